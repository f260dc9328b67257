"""The past: logs become one stream of requests in the order of time."""

from __future__ import annotations

from pathlib import Path

from shieldproxy.app.replay.past import Past, logged_of, spread
from tests.fakes.logs import combined, write_log
from tests.fakes.records import TEN_FIFTEEN, record_at, write_journal


def test_logs_are_read_together_in_the_order_of_time(tmp_path: Path) -> None:
    """Two servers behind one balancer are one past, whatever the order of their files."""
    first = write_log(tmp_path / "a.log", [combined(second, "192.0.2.1") for second in (0, 2, 4)])
    write_journal(tmp_path / "journal", [record_at(second) for second in (1, 3)])
    past = Past([tmp_path / "journal", first])
    assert [one.time - TEN_FIFTEEN for one in past.requests()] == [0, 1, 2, 3, 4]


def test_a_summed_record_is_spread_over_the_seconds_it_stands_for() -> None:
    """Ten seconds of a flood do not come at once, and those of others keep their place between them."""
    sums = [record_at(0, weight=5), record_at(5)]
    found = [one.time - TEN_FIFTEEN for one in spread(iter([logged_of(one.to_dict()) for one in sums]))]
    assert found == [0, 2, 4, 5, 6, 8]


def test_broken_lines_are_counted_anew_with_each_reading(tmp_path: Path) -> None:
    """Reading twice does not count twice."""
    past = Past([write_log(tmp_path / "a.log", [combined(0, "192.0.2.1"), "broken"])])
    for _ in range(2):
        assert len(list(past.requests())) == 1
        assert past.broken == len(past.broken_lines) == 1
