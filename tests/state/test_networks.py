"""Banned networks, against asking each one in turn."""

from __future__ import annotations

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.ladder import Ban
from shieldproxy.state.networks import MAX_NETWORKS, NetworkBans

# Few distinct high bits, so that addresses do fall into networks.
numbers_v4 = st.integers(0, 15).map(lambda number: number << 28 | number)
numbers_v6 = st.integers(0, 15).map(lambda number: number << 124 | number << 60 | number)
addresses = numbers_v4.map(ipaddress.IPv4Address) | numbers_v6.map(ipaddress.IPv6Address)
networks = st.tuples(numbers_v4, st.integers(0, 32)).map(lambda pair: ipaddress.ip_network(pair, strict=False)) | (
    st.tuples(numbers_v6, st.integers(0, 128)).map(
        lambda pair: ipaddress.ip_network((ipaddress.IPv6Address(pair[0]), pair[1]), strict=False)
    )
)


@given(st.lists(st.tuples(networks, st.floats(0.0, 100.0)), max_size=12), st.lists(addresses, max_size=6))
def test_the_longest_ban_around_an_address_is_found(
    listed: list[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, float]],
    asked: list[ipaddress.IPv4Address | ipaddress.IPv6Address],
) -> None:
    """The walk by prefix length finds what asking every network finds."""
    table = NetworkBans(Ban(str(network), until, "") for network, until in listed)
    assert bool(table) is bool(listed)
    for address in asked:
        expected = max((until for network, until in listed if address in network), default=0.0)
        found = table.find(str(address), 50.0)
        assert (found.until if found is not None else 0.0) == (expected if expected > 50.0 else 0.0)


def test_what_is_no_address_is_in_no_network() -> None:
    """Nonsense is nobody; an IPv4 address written as IPv6 is the IPv4 address."""
    table = NetworkBans([Ban("0.0.0.0/0", 100.0, "all of IPv4")])
    assert [table.find(text, 1.0) for text in ("", "nobody", "2001:db8::1")] == [None, None, None]
    assert table.find("::ffff:192.0.2.1", 1.0) is not None


def test_the_list_is_bounded() -> None:
    """More networks than fit are left out, those that end soonest first, and counted."""
    table = NetworkBans(Ban(f"10.{n >> 8}.{n & 255}.0/24", 100.0 + n, "") for n in range(MAX_NETWORKS + 1))
    assert table.left_out == 1
    assert table.find("10.0.0.1", 1.0) is None
    assert table.find("10.0.1.1", 1.0) is not None
