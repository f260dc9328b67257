"""Two generators behind one function."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from benchmarks.cores import available_cores
from benchmarks.generators import Load, generator_for, run_load
from benchmarks.loopback import NotLoopbackError
from benchmarks.origin import Origin
from benchmarks.plan import Via

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("load", [Load(), Load(via=Via.SOURCE, clients=50, per_connection=5), Load(path="/missing")])
def test_reads_the_same_from_both(load: Load, tmp_path: Path) -> None:
    """One address by wrk, a crowd by our own: both give counts, times and how many were refused."""
    with Origin(tmp_path, available_cores()) as origin:
        reading = run_load(origin.url, load, 1.0, available_cores())
    assert reading.requests > 100
    assert reading.rate > 100
    assert 0 < reading.p50_us <= reading.p99_us
    assert not reading.errors


def test_a_crowd_is_made_by_our_own_generator() -> None:
    """Wrk has one address and no forms."""
    assert generator_for(Load(via=Via.FORWARDED)) == generator_for(Load(form="a=1")) == "own"
    assert generator_for(Load()) == ("wrk" if shutil.which("wrk") else "own")


def test_never_leaves_this_machine() -> None:
    """The guard stands before wrk as well."""
    with pytest.raises(NotLoopbackError):
        run_load("http://192.0.2.1", Load(), 1.0, available_cores())
