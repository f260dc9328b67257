"""The benchmark of replays measures what it says, on a log that is the same each time."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from benchmarks.replay import Run, main, row_of, write_log
from shieldproxy.journal.foreign import ForeignLog


def test_the_log_is_whole_in_order_and_the_same_each_time(tmp_path: Path) -> None:
    """People and a flood, about as many lines as were asked for."""
    first, second = tmp_path / "a.log", tmp_path / "b.log"
    for path in (first, second):
        write_log(path, 3_000, 7)
    assert first.read_bytes() == second.read_bytes()
    log = ForeignLog(first)
    moments = [one.time for one in log.requests()]
    assert log.broken == 0
    assert 2_000 < len(moments) < 4_500
    assert moments == sorted(moments)


def test_both_ways_are_measured() -> None:
    """One replay against the log, one against a configuration, with the time of all processes."""
    result = CliRunner().invoke(main, ["--requests", "1000", "--rounds", "1", "--json"])
    rows = json.loads(result.stdout)["rows"]
    assert [row["way"] for row in rows] == ["against the log", "against a configuration"]
    assert all(row["rate"] > 0 and row["cpu_us"] > 0 for row in rows)


def test_the_middle_and_the_best_of_the_rounds() -> None:
    """A round that was disturbed moves neither."""
    row = row_of("x", [Run(1_000, 1.0, 1.0), Run(1_000, 0.5, 0.25), Run(1_000, 9.0, 9.0)])
    assert (row["rate"], row["best_rate"], row["cpu_us"], row["best_cpu_us"]) == (1_000, 2_000, 1_000, 250)
