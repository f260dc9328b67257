"""Addresses that belong to no network of the Internet: a database that says otherwise is wrong about them.

From the IANA special-purpose registries (RFC 6890 and what updates it) and multicast; addresses that are routed in
spite of standing in a registry (6to4, Teredo, AS112, anycast relays) are left to the databases.
"""

from __future__ import annotations

import ipaddress

from shieldproxy.core.addresses import Network

BOGONS: tuple[tuple[str, str], ...] = (
    ("0.0.0.0/8", "this network"),  # RFC 791
    ("10.0.0.0/8", "private"),  # RFC 1918
    ("100.64.0.0/10", "carrier-grade NAT"),  # RFC 6598
    ("127.0.0.0/8", "loopback"),  # RFC 1122
    ("169.254.0.0/16", "link-local"),  # RFC 3927
    ("172.16.0.0/12", "private"),  # RFC 1918
    ("192.0.0.0/24", "protocol assignments"),  # RFC 6890
    ("192.0.2.0/24", "documentation"),  # RFC 5737
    ("192.168.0.0/16", "private"),  # RFC 1918
    ("198.18.0.0/15", "benchmarks"),  # RFC 2544
    ("198.51.100.0/24", "documentation"),  # RFC 5737
    ("203.0.113.0/24", "documentation"),  # RFC 5737
    ("224.0.0.0/4", "multicast"),  # RFC 5771
    ("240.0.0.0/4", "reserved"),  # RFC 1112; holds the broadcast address
    ("::/128", "unspecified"),  # RFC 4291
    ("::1/128", "loopback"),  # RFC 4291
    ("::/96", "IPv4-compatible"),  # RFC 4291, deprecated; databases keep their IPv4 tree here
    ("::ffff:0:0/96", "IPv4-mapped"),  # RFC 4291
    ("64:ff9b::/96", "NAT64"),  # RFC 6052: carries the IPv4 address of a server, not of a visitor
    ("64:ff9b:1::/48", "NAT64"),  # RFC 8215
    ("100::/64", "discard only"),  # RFC 6666
    ("2001:2::/48", "benchmarks"),  # RFC 5180
    ("2001:10::/28", "identifiers"),  # RFC 4843
    ("2001:20::/28", "identifiers"),  # RFC 7343
    ("2001:db8::/32", "documentation"),  # RFC 3849
    ("3fff::/20", "documentation"),  # RFC 9637
    ("5f00::/16", "segment routing"),  # RFC 9602
    ("fc00::/7", "private"),  # RFC 4193
    ("fe80::/10", "link-local"),  # RFC 4291
    ("fec0::/10", "private"),  # RFC 3879
    ("ff00::/8", "multicast"),  # RFC 4291
)


def bogon_networks() -> list[tuple[Network, str]]:
    """The table as networks, each with what it is for."""
    return [(ipaddress.ip_network(network), purpose) for network, purpose in BOGONS]
