"""Heavy hitters against exact counts."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from shieldproxy.core.verdict import Action
from shieldproxy.state import hitters
from shieldproxy.state.hitters import KEPT, PENDING, HeavyHitters


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.integers(1, 3), st.integers(1, 2_000))
def test_no_count_is_wrong_by_more_than_space_saving_allows(seed: int, skew: int, merge_every: int) -> None:
    """The truth lies between a count and its upper bound, and whoever exceeds one in 256 is there, by name."""
    chance = random.Random(seed)
    exact: Counter[int] = Counter()
    counted = HeavyHitters()
    for turn in range(2_000):
        asn = int(chance.random() ** skew * 1_000)
        exact[asn] += 1
        counted.count(asn, Action.ADMIT)
        if turn % merge_every == 0:
            counted.merge()
    counted.merge()
    kept = {network.asn: network for network in counted.networks()}
    assert len(kept) <= KEPT
    for asn, network in kept.items():
        assert network.total <= exact[asn] <= network.rank
        assert network.inherited <= 2_000 / KEPT
    assert all(asn in kept for asn, count in exact.items() if count > 2_000 / KEPT)


def test_few_networks_are_counted_exactly_by_action() -> None:
    """Up to 256 networks nothing is estimated."""
    counted = HeavyHitters()
    for turn in range(1_000):
        counted.count(turn % KEPT, turn % len(Action))
    counted.merge()
    assert sum(network.total for network in counted.networks()) == 1_000
    assert all(network.inherited == 0.0 for network in counted.networks())
    first = next(network for network in counted.networks() if network.asn == 5)
    assert first.actions == (1.0, 1.0, 1.0, 1.0, 0.0)


def test_any_number_of_networks_is_bounded_memory() -> None:
    """A flood from ever new networks fills the batch and is merged; nothing grows."""
    counted = HeavyHitters()
    for asn in range(3 * PENDING):
        counted.count(asn, Action.DROP)
        counted.count(64_496, Action.DROP)
        assert len(counted._pending) <= PENDING
    counted.merge()
    assert len(counted.networks()) == KEPT
    heaviest = max(counted.networks(), key=lambda network: network.total)
    assert (heaviest.asn, heaviest.total) == (64_496, 3 * PENDING)


def test_a_summary_can_be_taken_up_again() -> None:
    """A worker that starts anew counts on from what was shown before."""
    first = HeavyHitters()
    first.count(64_496, Action.THROTTLE)
    first.merge()
    second = HeavyHitters(first.networks())
    second.count(64_496, Action.THROTTLE)
    second.merge()
    assert [network.total for network in second.networks()] == [2.0]
    assert len(Action) == hitters.ACTIONS
