from __future__ import annotations

import math

import pytest

from shieldproxy.core.usual import DAY, Deviation, Usual, UsualPolicy, compare, learn, turn

POLICY = UsualPolicy()


def day_of(usual: Usual, start: float, rate: float = 1.0) -> Usual:
    """Return what is usual after one more day with a night and a noon, ``rate`` times as busy as the first."""
    for number in range(int(DAY / POLICY.bucket)):
        moment = start + number * POLICY.bucket
        usual = learn(POLICY, turn(usual, moment), count_at(moment, rate))
    return usual


def count_at(moment: float, rate: float = 1.0) -> int:
    return int(rate * (60 - 50 * math.cos(moment / DAY * 2 * math.pi)))


def test_each_time_of_day_has_its_own_usual() -> None:
    """What is usual at noon is unusual at night."""
    usual = day_of(day_of(Usual(), 0.0), DAY)
    night, noon = turn(usual, 2 * DAY + 100), turn(usual, 2.5 * DAY)
    assert abs(compare(POLICY, noon, count_at(2.5 * DAY)).ratio) < 0.2
    assert abs(compare(POLICY, night, count_at(2 * DAY)).ratio) < 0.2
    assert compare(POLICY, night, count_at(2.5 * DAY)).score > 6.0


def test_a_busier_weekday_is_as_usual_within_hours() -> None:
    """All times of day move together with the last hours."""
    usual = day_of(day_of(Usual(), 0.0), DAY)
    for number in range(int(3 * 3_600 / POLICY.bucket)):
        moment = 2 * DAY + number * POLICY.bucket
        usual = learn(POLICY, turn(usual, moment), count_at(moment, 1.4))
    later = 2 * DAY + 3 * 3_600
    assert abs(compare(POLICY, turn(usual, later), count_at(later, 1.4)).ratio) < 0.1


def test_a_young_site_finds_little_unusual() -> None:
    """For five minutes only eight times as much is; then the last minutes stand in for a day never seen."""
    usual = Usual()
    for number in range(29):
        usual = learn(POLICY, turn(usual, number * 10.0), 100)
        assert compare(POLICY, usual, 700).score == 0.0
    assert compare(POLICY, usual, 10_000).score > 10.0
    usual = learn(POLICY, turn(usual, 290.0), 100)
    found = compare(POLICY, usual, 700)
    assert found.score > 2.0
    assert not found.seasonal


@pytest.mark.parametrize(("buckets", "count"), [(2, 100), (10, 40)])
def test_what_was_hardly_seen_is_no_measure(buckets: int, count: int) -> None:
    """The first bucket is seldom whole, and of four requests a second many times more is soon reached."""
    usual = Usual()
    for number in range(buckets):
        usual = learn(POLICY, turn(usual, number * 10.0), count)
    assert compare(POLICY, usual, 100 * count) == Deviation(count, 0.0, 0.0, seasonal=False)


def test_a_young_site_does_not_learn_what_may_be_a_crowd() -> None:
    """A bucket in which a crowd begins is called odd, so that whoever learns can leave most of it out."""
    usual = Usual()
    for number in range(3):
        usual = learn(POLICY, turn(usual, number * 10.0), 100)
    assert [compare(POLICY, usual, count).odd for count in (150, 400)] == [False, True]


def test_the_first_bucket_is_not_learned() -> None:
    """A node that starts in the middle of a bucket counts a part of it."""
    usual = learn(POLICY, learn(POLICY, Usual(), 1), 100)
    assert usual.recent == 100.0
