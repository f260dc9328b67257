"""Baselines: what each network usually asks for, on a hand-moved clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.baselines import KEPT, MOST, Baselines

HOUR = 3_600.0


def lived(seconds: int, rates: dict[int, int], baselines: Baselines | None = None) -> Baselines:
    """Return baselines after so many seconds in each of which networks asked so often."""
    found = baselines or Baselines(HOUR)
    for _ in range(seconds):
        found.pass_time(1.0)
        for asn, count in rates.items():
            found.learn(asn, count)
    return found


def test_a_young_node_knows_the_mean_of_what_it_saw() -> None:
    """After ten seconds with thirty requests the usual is three a second, not three an hour."""
    assert lived(10, {64500: 3}).usual(64500) == pytest.approx(3.0)


def test_who_was_never_seen_asks_for_nothing() -> None:
    """No guess for strangers."""
    assert lived(10, {64500: 3}).usual(64501) == 0.0


def test_a_carrier_and_a_host_never_share_a_number() -> None:
    """Each network has its own usual."""
    found = lived(60, {3320: 200, 64500: 1})
    assert [found.usual(3320), found.usual(64500)] == pytest.approx([200.0, 1.0])


def test_who_falls_silent_fades() -> None:
    """An hour of silence leaves about a third of what was learned over hours, three leave a twentieth."""
    found = lived(10_000, {64500: 10})
    before = found.usual(64500)
    found.pass_time(HOUR)
    assert found.usual(64500) == pytest.approx(before * 0.368, rel=0.01)
    found.pass_time(2 * HOUR)
    assert found.usual(64500) == pytest.approx(before * 0.0498, rel=0.01)


def test_silence_while_young_thins_the_mean() -> None:
    """Thirty requests in ten seconds and none in the next twenty are one a second."""
    found = lived(10, {64500: 3})
    found.pass_time(20.0)
    assert found.usual(64500) == pytest.approx(1.0)


def test_an_excess_is_learned_slowly() -> None:
    """With a reluctance of ten a minute of a hundred a second moves the usual a tenth as far."""
    eager, slow = lived(4_000, {64500: 1}), lived(4_000, {64500: 1})
    for _ in range(60):
        eager.learn(64500, 100)
        slow.learn(64500, 100, 10.0)
    assert slow.usual(64500) - 1.0 == pytest.approx((eager.usual(64500) - 1.0) / 10, rel=0.1)


def test_what_is_kept_comes_back() -> None:
    """Age and rates are all there is: baselines made of them say the same."""
    before = lived(100, {64500: 5, 64501: 1})
    after = Baselines(HOUR, before.age, before.rates())
    assert after.rates() == pytest.approx(before.rates())


def test_memory_is_bounded_and_the_busiest_stay() -> None:
    """More networks than there is room for: those that ask least are forgotten."""
    found = Baselines(HOUR)
    found.pass_time(1.0)
    for asn in range(1, MOST + 2):
        found.learn(asn, asn)
    assert len(found) == KEPT
    assert found.usual(MOST + 1) == MOST + 1
    assert found.usual(1) == 0.0


@given(st.lists(st.tuples(st.floats(0.0, 1e5), st.integers(1, 4), st.integers(0, 10**6)), max_size=50))
def test_no_usual_is_more_than_the_most_that_was_seen(steps: list[tuple[float, int, int]]) -> None:
    """Whatever happens, a usual lies between nothing and the sum of what was seen, and nothing raises."""
    found, most = Baselines(HOUR), 0
    for seconds, asn, count in steps:
        found.pass_time(seconds)
        found.learn(asn, count)
        most += count
        assert 0.0 <= found.usual(asn) <= most + 1e-6


def test_what_is_usual_at_this_hour_is_no_excess() -> None:
    """A night's silence does not make the morning one; what was learned lately stays what it was."""
    found = lived(60, {64500: 1})
    found.season = {64500: 8.0, 64501: 0.5}.__getitem__
    assert [found.usual(64500), found.usual(64501)] == [8.0, 0.5]
    assert found.rates()[64500] == pytest.approx(1.0)
    found.season = {64500: 0.2}.__getitem__
    assert found.usual(64500) == pytest.approx(1.0)
