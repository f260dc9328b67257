"""Requests by ASN: bounded, and no counter ever runs back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.control.network_series import NetworkSeries


def test_the_first_look_credits_each_network_with_its_own() -> None:
    """What a network had when it was first seen among the heaviest is its own, the rest is other."""
    assert NetworkSeries(2).observe({1: 50, 2: 30, 3: 10}, 100) == {"1": 50, "2": 30, "other": 20}


def test_unknown_networks_are_other() -> None:
    """ASN 0 means unknown and gets no series."""
    assert NetworkSeries(2).observe({0: 90, 5: 10}, 100) == {"5": 10, "other": 90}


def test_a_network_that_rises_takes_nothing_from_other() -> None:
    """When a network enters the heaviest, other keeps what it had counted."""
    series = NetworkSeries(1)
    assert series.observe({1: 50, 2: 40}, 90) == {"1": 50, "other": 40}
    assert series.observe({1: 50, 2: 70}, 120) == {"2": 30, "other": 40}
    assert series.observe({1: 51, 2: 71}, 122) == {"2": 31, "other": 41}


@given(st.lists(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 50)), max_size=8), max_size=15))
def test_no_series_falls_and_there_are_never_more_than_the_bound(rounds: list[list[tuple[int, int]]]) -> None:
    """Over any traffic the labels are bounded, and a label in two looks in a row has not fallen."""
    series, counts, before = NetworkSeries(4), dict[int, int](), dict[str, int]()
    for arrivals in rounds:
        for asn, number in arrivals:
            counts[asn] = counts.get(asn, 0) + number
        now = series.observe(counts, sum(counts.values()))
        assert len(now) <= 5
        assert all(now[label] >= before[label] for label in before if label in now)
        before = now
