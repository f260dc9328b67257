"""Prefixes: the fewest blocks that cover a range, and the longest entry that holds an address."""

from __future__ import annotations

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.addresses import Network
from shieldproxy.intel.prefixes import PrefixTable, cover

BITS = st.sampled_from([32, 128])


@given(st.data(), BITS)
def test_cover_is_exact_and_as_short_as_the_standard_library_makes_it(data: st.DataObject, bits: int) -> None:
    """The blocks hold the range, nothing else, and there is no shorter way to say it."""
    first, last = sorted((data.draw(st.integers(0, 2**bits - 1)), data.draw(st.integers(0, 2**bits - 1))))
    make = ipaddress.IPv4Address if bits == 32 else ipaddress.IPv6Address
    expected = [
        (int(network.network_address), network.prefixlen)
        for network in ipaddress.summarize_address_range(make(first), make(last))
    ]
    assert list(cover(first, last, bits)) == expected


@given(BITS)
def test_cover_of_everything_is_one_block(bits: int) -> None:
    """The whole address space is the prefix of length nought."""
    assert list(cover(0, 2**bits - 1, bits)) == [(0, 0)]


NETWORKS = st.one_of(
    st.builds(
        lambda number, length: ipaddress.ip_network((number, length), strict=False),
        st.one_of(st.integers(0, 2**32 - 1), st.integers(10 << 24, (10 << 24) + 999)).map(ipaddress.IPv4Address),
        st.integers(0, 32),
    ),
    st.builds(
        lambda number, length: ipaddress.ip_network((number, length), strict=False),
        st.integers(0, 2**128 - 1).map(ipaddress.IPv6Address),
        st.integers(0, 128),
    ),
)


@given(st.dictionaries(NETWORKS, st.text(min_size=1), max_size=20), st.data())
def test_the_longest_prefix_speaks(table: dict[Network, str], data: st.DataObject) -> None:
    """The table answers as a search through all its networks does."""
    networks = [network for network in table if network.num_addresses]
    inside = st.sampled_from(networks).map(lambda network: network.broadcast_address) if networks else st.nothing()
    address = data.draw(st.one_of(inside, st.ip_addresses()))
    holding = [network for network in table if network.version == address.version and address in network]
    expected = table[max(holding, key=lambda network: network.prefixlen)] if holding else ""
    assert PrefixTable(table.items()).find(int(address), address.version) == expected


def test_divided_names_the_neighbourhoods_that_hold_something_narrower() -> None:
    """Only a prefix longer than the neighbourhood divides it; each is named once."""
    table = PrefixTable(
        (ipaddress.ip_network(text), "x")
        for text in ("192.0.2.0/28", "192.0.2.77/32", "198.51.100.0/24", "10.0.0.0/8", "2001:db8:1:2::/64")
    )
    assert table.divided(4, 24) == {int(ipaddress.ip_address("192.0.2.0")) >> 8}
    assert table.divided(6, 48) == {int(ipaddress.ip_address("2001:db8:1::")) >> 80}
    assert len(table) == 5
