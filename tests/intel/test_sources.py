"""Sources: published files in, ranges and numbers out."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.intel.sources import Span, asn_spans, country_spans, listed_asns, merge, networks


def test_asn_rows_are_read_in_both_notations_and_names_are_tidied() -> None:
    """Numbers and written addresses mean the same, quoted names keep their comma and lose their double spaces."""
    rows = ['16777216,16777471,13335,"Cloudflare,  Inc."\n', "2001:200::,2001:200::ffff,2500,WIDE Project\n"]
    first, second = asn_spans(rows)
    assert first == Span(16777216, 16777471, ("13335", "Cloudflare, Inc."))
    assert second.value == ("2500", "WIDE Project")
    assert second.last - second.first == 0xFFFF


def test_rows_without_a_country_are_left_out() -> None:
    """Nobody-knows and continents are no countries; comments are skipped."""
    rows = ["# Generated: today", "1,2,CH\n", "3,4,??\n", "5,6,EU\n", "2001:db8::,2001:db8::1,CH\n"]
    assert [span.value for span in country_spans(rows)] == [("CH",), ("CH",)]


def test_neighbours_that_say_the_same_are_joined() -> None:
    """Order of the rows does not matter, gaps and other values keep spans apart."""
    a, b = ("1", "A"), ("2", "B")
    spans = [Span(20, 29, a), Span(0, 9, a), Span(10, 19, a), Span(31, 39, a), Span(40, 49, b)]
    assert list(merge(spans)) == [Span(0, 29, a), Span(31, 39, a), Span(40, 49, b)]


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        # the later one speaks for what both hold
        ([(0, 20, "a"), (15, 30, "b")], [(0, 14, "a"), (15, 30, "b")]),
        # and the earlier one goes on behind it
        ([(0, 20, "a"), (5, 9, "b")], [(0, 4, "a"), (5, 9, "b"), (10, 20, "a")]),
        # of two that begin together the shorter speaks
        ([(0, 20, "a"), (0, 9, "b")], [(0, 9, "b"), (10, 20, "a")]),
        # the same range twice is one
        ([(0, 9, "a"), (0, 9, "a")], [(0, 9, "a")]),
    ],
)
def test_contradictions_are_cut(spans: list[tuple[int, int, str]], expected: list[tuple[int, int, str]]) -> None:
    """A published table overlaps now and then; the more specific row wins and no address is lost."""
    made = [Span(first, last, (value,)) for first, last, value in spans]
    assert [(first, last, value[0]) for first, last, value in merge(made)] == expected


@given(
    st.lists(
        st.builds(
            lambda first, size, value: Span(first, first + size, (value,)),
            st.integers(0, 60),
            st.integers(0, 30),
            st.sampled_from("abc"),
        ),
        max_size=12,
    )
)
def test_merged_spans_hold_the_same_addresses_once(spans: list[Span]) -> None:
    """Whatever overlaps: in order, disjoint, no address lost or invented, each with a value some row gave it."""
    merged = list(merge(spans))
    assert all(one.last < other.first for one, other in itertools.pairwise(merged))
    held = {number: span.value for span in merged for number in range(span.first, span.last + 1)}
    assert held.keys() == {number for span in spans for number in range(span.first, span.last + 1)}
    assert all(
        any(span.first <= number <= span.last and span.value == value for span in spans)
        for number, value in held.items()
    )


def test_as_numbers_are_read_from_both_kinds_of_list() -> None:
    """Headings and names are no numbers, spaces before the number do not matter."""
    lines = ["ASN,Entity", '198375,"INULOGIC SARL, FR"', ' 51447, "RootLayer"', "AS9009 # M247", "", "# AS1"]
    assert listed_asns(lines) == {198375, 51447, 9009}


def test_networks_are_joined_and_ordered() -> None:
    """Single addresses become the fewest networks, IPv4 before IPv6."""
    texts = ["2001:db8::/33", "192.0.2.1", "192.0.2.0", "", "2001:db8:8000::/33"]
    assert [str(network) for network in networks(texts)] == ["192.0.2.0/31", "2001:db8::/32"]


def test_a_network_with_host_bits_is_refused() -> None:
    """It is a mistake of the list, and guessing would let strangers in."""
    with pytest.raises(ValueError, match="host bits"):
        networks(["192.0.2.1/24"])
