"""The row about the kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.comparison import Bench, Pace
from benchmarks.cores import assign, available_cores
from benchmarks.rows import offload as row
from benchmarks.rows.offload import Stood, offload

BENCH = Bench(Pace(1, 1.0, 0.1), assign(available_cores()), Path("unused"), lambda _: None)


def test_without_root_there_is_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that cannot make a network of its own says what it lacks."""
    monkeypatch.setattr(row, "missing", lambda: "root")
    [line] = offload(BENCH).findings
    assert (line.found, line.note) == ("-", "needs root")


def test_standing_there_costs_no_attempt_anything() -> None:
    """What a node uses while nothing happens is taken off before; less than that is nothing, not less."""
    assert Stood(attempts=1_000, cpu_s=-0.01, seconds=5.0, dropped=0).cpu_us == 0.0
    assert Stood(attempts=1_000, cpu_s=0.01, seconds=5.0, dropped=0).cpu_us == pytest.approx(10.0)
