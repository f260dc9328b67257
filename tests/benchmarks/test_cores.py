"""Cores and processor time."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from benchmarks.cores import assign, available_cores, on_cores, processor_seconds

BURN = "import time\nwhile time.process_time() < 0.3: pass\n"


@pytest.mark.parametrize(
    ("available", "server", "load", "origin", "shared"),
    [
        ({3}, {3}, {3}, {3}, True),
        ({0, 1}, {0}, {1}, {1}, False),
        ({0, 1, 2, 3}, {0}, {1}, {2}, False),
    ],
)
def test_the_server_has_its_core_alone_where_there_are_two(
    available: set[int],
    server: set[int],
    load: set[int],
    origin: set[int],
    shared: bool,  # noqa: FBT001
) -> None:
    """One core for the server, the rest for load and origin as far as they go."""
    cores = assign(frozenset(available))
    assert (set(cores.server), set(cores.load), set(cores.origin)) == (server, load, origin)
    assert cores.shared is shared


def test_what_is_started_inside_is_pinned_and_we_are_not() -> None:
    """A child is born on the chosen core; our own cores are as before."""
    before = available_cores()
    chosen = frozenset({max(before)})
    with on_cores(chosen):
        seen = subprocess.run(
            [sys.executable, "-c", "import os; print(*os.sched_getaffinity(0))"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    assert {int(core) for core in seen.split()} == chosen
    assert available_cores() == before


def test_processor_time_of_children_is_counted_also_when_they_are_gone() -> None:
    """What a server's workers used counts as the server's."""
    parent = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN!r}])\nprint(1, flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert 0.25 <= processor_seconds(process.pid) < 5
        process.communicate("\n")


def test_a_process_that_is_gone_used_nothing() -> None:
    """Asking for a process that has ended is no error."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    assert processor_seconds(process.pid) == 0.0
    assert processor_seconds(os.getpid()) > 0.0
