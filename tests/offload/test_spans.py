"""Spans: arithmetic on stretches of addresses, held against sets of numbers."""

from __future__ import annotations

import ipaddress
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.offload.spans import Span, merged, overlapping, span_of, spelled, without

small = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: Span(min(pair), max(pair)))


def numbers(*spans: Span) -> set[int]:
    return {number for span in spans for number in range(span.low, span.high + 1)}


@given(st.lists(small))
def test_merging_changes_no_address(spans: list[Span]) -> None:
    """Merged spans hold the same addresses, in order, each once."""
    found = merged(spans)
    assert numbers(*found) == numbers(*spans)
    assert all(first.high < second.low for first, second in itertools.pairwise(found))


@given(small, st.lists(small))
def test_without_takes_exactly_the_holes(span: Span, holes: list[Span]) -> None:
    """What is left is what was there and is in no hole."""
    left = without(span, merged(holes))
    assert numbers(*left) == numbers(span) - numbers(*holes)
    assert sum(len(numbers(part)) for part in left) == len(numbers(*left))


@given(small, st.lists(small))
def test_overlapping_finds_all_and_no_others(span: Span, others: list[Span]) -> None:
    """Those that share an address, found by halving, are those found by looking at each."""
    ordered = merged(others)
    assert list(overlapping(span, ordered)) == [other for other in ordered if numbers(other) & numbers(span)]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("192.0.2.7/32", "192.0.2.7"),
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:db8::/64", "2001:db8::/64"),
        ("::/0", "::/0"),
        ("2001:db8::1/128", "2001:db8::1"),
    ],
)
def test_a_network_is_written_as_nft_writes_it(text: str, written: str) -> None:
    """One address stands bare, a network in CIDR."""
    network = ipaddress.ip_network(text)
    assert spelled(span_of(network), network.version) == written


def test_what_is_no_network_is_written_as_a_range() -> None:
    """First and last address, both included."""
    first = int(ipaddress.ip_address("192.0.2.1"))
    assert spelled(Span(first, first + 1), 4) == "192.0.2.1-192.0.2.2"
    assert spelled(Span(0, 5), 6) == "::-::5"
