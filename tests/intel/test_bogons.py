"""Bogons: addresses of nobody."""

from __future__ import annotations

import ipaddress

import pytest

from shieldproxy.intel.bogons import bogon_networks

NOBODYS = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "169.254.1.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.255",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::8.8.8.8",
    "::ffff:8.8.8.8",
    "64:ff9b::1",
    "100::1",
    "2001:2::1",
    "2001:db8::1",
    "3fff::1",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
SOMEBODYS = [
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.255.255",
    "172.32.0.1",
    "192.0.1.1",
    "192.88.99.1",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.1",
    "223.255.255.255",
    "2001:4860::1",
    "2001:470::1",
    "2002:c000:201::1",
    "2a02:1210::1",
    "2003::1",
]


@pytest.mark.parametrize("address", NOBODYS)
def test_addresses_of_nobody_are_in_the_table(address: str) -> None:
    """Private, documentation, multicast and the like, first and last address of ranges that are easily got wrong."""
    assert any(ipaddress.ip_address(address) in network for network, _ in bogon_networks())


@pytest.mark.parametrize("address", SOMEBODYS)
def test_addresses_of_the_internet_are_not(address: str) -> None:
    """Neighbours of those ranges, and ranges that are routed although a registry names them."""
    assert not any(ipaddress.ip_address(address) in network for network, _ in bogon_networks())


def test_every_bogon_says_what_it_is_for() -> None:
    """The purpose is shown to people who ask about an address."""
    assert all(purpose for _, purpose in bogon_networks())
