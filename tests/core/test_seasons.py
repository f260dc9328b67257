"""Seasons: Monday at nine is not Sunday at four, and a million names take no more room than a thousand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core import seasons as module
from shieldproxy.core.seasons import HOURS, SITE, Seasons, hour_of_week

MONDAY = 1_767_571_200.0  # 2026-01-05, midnight UTC
HOUR = 3_600.0


def weeks(found: Seasons, count: int, asked: dict[str, dict[int, float]]) -> Seasons:
    """Let weeks pass in which each key asks so many times a second at certain hours of the day, else once in ten."""
    for hour in range(count * HOURS):
        counts = {key: times.get(hour % 24, 0.1) * HOUR for key, times in asked.items()}
        found.learn(counts, MONDAY + hour * HOUR + 1.0, HOUR)
    found.fold()
    return found


def test_hours_of_the_week_begin_on_monday() -> None:
    """At midnight, in UTC."""
    assert [hour_of_week(MONDAY + days * 86_400 + 3_599) for days in (0, 1, 7)] == [0, 24, 0]
    assert hour_of_week(MONDAY - 1) == HOURS - 1


def test_what_is_usual_is_that_of_the_hour() -> None:
    """In the first week after one that was seen."""
    found = weeks(Seasons(), 1, {SITE: {9: 50.0}, "asn 64500": {9: 5.0}})
    assert found.usual("asn 64500", MONDAY + 7 * 86_400 + 9.5 * HOUR) == pytest.approx(5.0, rel=1e-4)
    assert found.usual("asn 64500", MONDAY + 7 * 86_400 + 4 * HOUR) == pytest.approx(0.1, rel=1e-4)
    assert found.usual("asn 64501", MONDAY) == 0.0
    assert [key for key, _ in found.heaviest("asn")] == ["asn 64500"]


def test_an_hour_never_seen_is_judged_by_the_mean() -> None:
    """A log of one morning says something of the afternoon, and nothing of it says nothing."""
    found = Seasons()
    assert found.usual(SITE, MONDAY) == 0.0
    for minute in range(120):
        found.learn({SITE: 600.0, "country CH": 60.0}, MONDAY + minute * 60.0, 60.0)
    found.fold()
    assert found.usual("country CH", MONDAY + 12 * HOUR) == pytest.approx(1.0)
    assert found.usual(SITE, MONDAY + 12 * HOUR) == pytest.approx(10.0)


def test_those_that_ask_less_are_in_the_sketch_and_follow_the_site() -> None:
    """Never told too little of; whoever grows is kept, and whoever is least gives way."""
    found = Seasons(most=3)
    asked = {SITE: {9: 50.0}, "asn 1": {9: 9.0}, "asn 2": {9: 8.0}, "asn 3": {9: 2.0}}
    weeks(found, 2, asked)
    assert set(found.kept().counts) == {SITE, "asn 1", "asn 2"}
    assert found.usual("asn 3", MONDAY + 9 * HOUR) >= 2.0 * 0.9
    assert found.usual("asn 3", MONDAY + 4 * HOUR) < 0.5
    weeks(found, 4, {"asn 3": {9: 90.0}})
    assert "asn 3" in found.kept().counts
    assert "asn 2" not in found.kept().counts
    assert found.usual("asn 2", MONDAY + 9 * HOUR) > 0.0


def test_old_habits_are_forgotten() -> None:
    """A network that left is as good as gone some months later, and memory stays what it is."""
    found = weeks(Seasons(), 8, {SITE: {}, "asn 1": {9: 9.0}})
    weeks(found, 30, {SITE: {}})
    assert found.usual("asn 1", MONDAY + 9 * HOUR) < 1.0
    assert found.lived <= HOURS * module.MEMORY


def test_a_flood_of_names_is_counted_and_fills_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What finds no room in a minute is counted."""
    monkeypatch.setattr(module, "PENDING", 100)
    found = Seasons(most=50)
    found.learn({f"path /{number}": 1.0 for number in range(1_000)}, MONDAY)
    found.fold()
    assert (found.overflow, len(found.kept().counts)) == (900, 50)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 100)), min_size=1, max_size=200))
def test_no_key_is_told_too_little_of(asked: list[tuple[int, int]]) -> None:
    """Kept or in the sketch: in all, never less than it asked."""
    found, truth = Seasons(most=4), dict.fromkeys(range(31), 0)
    for number, (key, count) in enumerate(asked):
        found.learn({f"asn {key}": float(count)}, MONDAY + number, 1.0)
        truth[key] += count
    found.fold()
    for key, count in truth.items():
        assert found.usual(f"asn {key}", MONDAY + 90_000) * found.lived >= count * 0.999
