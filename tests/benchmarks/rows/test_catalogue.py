"""The rows by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.comparison import Bench, Pace
from benchmarks.cores import assign, available_cores
from benchmarks.rows import catalogue
from benchmarks.rows.catalogue import COMPARED, ROWS, measure_row
from benchmarks.scenarios import SCENARIOS

BENCH = Bench(Pace(1, 1.0, 0.1), assign(available_cores()), Path("unused"), lambda _: None)


def test_every_row_has_a_name_of_its_own() -> None:
    """The comparisons are scenarios with targets, and no name means two things."""
    assert len(set(ROWS)) == len(ROWS)
    assert all(SCENARIOS[name].targets for name in COMPARED)


def test_a_row_that_fails_does_not_take_the_others_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """What went wrong stands in its line."""

    def broken(_: Bench) -> None:
        raise OSError("no room on the disk")

    monkeypatch.setattr(catalogue, "MEASURED", {"start": broken})
    [line] = measure_row("start", (), BENCH).findings
    assert "no room on the disk" in line.note
    assert line.met is None
