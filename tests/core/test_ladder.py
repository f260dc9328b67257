"""The ladder: bans are short at first, grow when earned again, and never shrink by accident."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.ladder import Ban, climb, duration, longer
from shieldproxy.core.policy import BanPolicy
from tests.strategies import seconds

POLICY = BanPolicy(ladder=(60.0, 600.0, 3_600.0, 86_400.0))

CLIMBS = [
    # previous rung, rung, seconds
    (-1, 0, 60.0),
    (0, 1, 600.0),
    (1, 2, 3_600.0),
    (2, 3, 86_400.0),
    # beyond the last rung the last one holds
    (3, 3, 86_400.0),
    (99, 3, 86_400.0),
]


@pytest.mark.parametrize(("previous", "rung", "lasts"), CLIMBS)
def test_each_ban_lasts_longer_than_the_one_before(previous: int, rung: int, lasts: float) -> None:
    """A minute, ten minutes, an hour, a day, and then a day each time."""
    ban = climb(POLICY, "192.0.2.1", previous_rung=previous, now=1_000.0, cause="flood")
    assert ban == Ban("192.0.2.1", 1_000.0 + lasts, "flood", rung)


def test_a_ladder_of_one_rung_stays_there() -> None:
    """An operator who wants every ban alike writes one rung."""
    policy = BanPolicy(ladder=(300.0,))
    for previous in (-1, 0, 5):
        assert climb(policy, "k", previous_rung=previous, now=0.0, cause="c").until == 300.0


@given(st.lists(st.floats(1.0, 1e6), min_size=1, max_size=6).map(tuple), st.integers(-5, 50))
def test_a_duration_is_always_a_rung(ladder: tuple[float, ...], rung: int) -> None:
    """No number of offences leads off the ladder."""
    assert duration(ladder, rung) in ladder


@given(st.lists(st.floats(1.0, 1e6), min_size=1, max_size=6).map(sorted).map(tuple), st.integers(1, 12), seconds)
def test_climbing_never_goes_down(ladder: tuple[float, ...], times: int, now: float) -> None:
    """On a ladder that grows, each ban is at least as long as the one before and ends on the last rung."""
    policy, rung, lasted = BanPolicy(ladder=ladder), -1, 0.0
    for _ in range(times):
        ban = climb(policy, "k", previous_rung=rung, now=0.0, cause="c")
        assert ban.until >= lasted
        assert ban.rung in (rung + 1, len(ladder) - 1)
        rung, lasted = ban.rung, ban.until


bans = st.builds(Ban, st.just("k"), seconds, st.sampled_from(("flood", "operator")), st.integers(0, 3))
maybe_bans = st.one_of(st.none(), bans)


@given(maybe_bans, maybe_bans)
def test_a_milder_ban_never_replaces_a_stricter_one(first: Ban | None, second: Ban | None) -> None:
    """Of two bans the one that lasts longer is kept, of two alike the first, and one is better than none."""
    kept = longer(first, second)
    if first is None or second is None:
        assert kept is (first if second is None else second)
        return
    assert kept in (first, second)
    assert kept is not None
    assert kept.until == max(first.until, second.until)
    assert kept is first or second.until > first.until
