"""Clients that a crowd is made of."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from benchmarks.addresses import (
    ONE_SITE_SPACE,
    address_in_one_site,
    claimed_address,
    claimed_network,
    proxy_v2,
    source_address,
)


def test_clients_are_distinct_and_where_they_belong() -> None:
    """The first hundred thousand clients of each kind are all different and inside their network."""
    count = 100_000
    sources = {source_address(n) for n in range(count)}
    claimed = {claimed_address(n) for n in range(count)}
    networks = {claimed_network(n) for n in range(0, count, 50)}
    assert len(sources) == len(claimed) == count
    assert all(text.startswith("127.") for text in sources)
    assert all(ip_address(text).is_global for text in claimed)
    assert len({ip_network(f"{text}/64", strict=False) for text in networks}) == len(networks)


def test_one_site_is_one_site() -> None:
    """All addresses of the site are different and lie in one /48, in any number of its /64s."""
    addresses = {address_in_one_site(n) for n in range(0, ONE_SITE_SPACE, 16)}
    assert len(addresses) == ONE_SITE_SPACE // 16
    assert len({ip_network(f"{text}/48", strict=False) for text in addresses}) == 1
    assert len({ip_network(f"{text}/64", strict=False) for text in addresses}) > 4_000


def test_source_addresses_stay_away_from_servers() -> None:
    """No connection is bound to 127.0.0.0/10, where servers listen."""
    assert not any(ip_address(source_address(n)) in ip_network("127.0.0.0/10") for n in range(10_000))


def test_proxy_v2_of_ipv4_is_what_the_specification_shows() -> None:
    """Signature, version and command, family, length, then addresses and ports in network order."""
    header = proxy_v2("192.0.2.1", 40_000, "127.0.0.1", 80)
    assert header[:12] == b"\r\n\r\n\x00\r\nQUIT\n"
    assert header[12:16] == b"\x21\x11\x00\x0c"
    assert header[16:] == bytes([192, 0, 2, 1, 127, 0, 0, 1]) + b"\x9c\x40\x00\x50"


def test_proxy_v2_of_ipv6_carries_36_bytes() -> None:
    """Two addresses of 16 bytes and two ports."""
    header = proxy_v2("2001:db8::1", 1, "::1", 2)
    assert header[13:16] == b"\x21\x00\x24"
    assert len(header) == 16 + 36


def test_proxy_v2_refuses_two_families() -> None:
    """One header speaks of one family."""
    with pytest.raises(ValueError, match="one address family"):
        proxy_v2("192.0.2.1", 1, "::1", 2)
