"""Client addresses for a flood that comes from many places, and the PROXY protocol that carries them.

Addresses are counted, not drawn by chance: the n-th client of a run is the same client in the next run.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

SOURCE_SPACE = 1 << 22
"""How many source addresses a run may bind: 127.64.0.0 to 127.127.255.255, far from where servers listen."""

CLAIMED_SPACE = 1 << 24
"""How many addresses a run may claim: 131,072 in each of 128 IPv4 /8s, or /64s below one IPv6 prefix."""

ONE_SITE_SPACE = 1 << 20
"""How many addresses of a single IPv6 /48 a run may claim: sixteen in each of its 65,536 /64s."""

_SOURCE_BASE = int(IPv4Address("127.64.0.0"))
_CLAIMED_FIRST = [octet for octet in range(1, 224) if octet not in (10, 100, 127, 169, 172, 192, 198, 203)][:128]
# Addresses of the world, because to look one up takes its time and a private one is found at once. They stand in
# headers on loopback and go nowhere.
_CLAIMED_BASE_V6 = int(IPv6Address("2001:db8::"))  # RFC 3849, documentation
_ONE_SITE = int(IPv6Address("2001:db8:5517::"))  # RFC 3849 too
_SPREAD = 2654435761
# Odd, so that n -> n * SPREAD is one-to-one in a space of 2**k: neighbours in time are no neighbours in address.

_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_VERSION_PROXY = 0x21
_TCP4, _TCP6 = 0x11, 0x21


def source_address(n: int) -> str:
    """The n-th loopback address a connection may be bound to (distinct below SOURCE_SPACE)."""
    return str(IPv4Address(_SOURCE_BASE + n * _SPREAD % SOURCE_SPACE))


def claimed_address(n: int) -> str:
    """The n-th IPv4 address a request may claim to come from (distinct below CLAIMED_SPACE)."""
    place = n * _SPREAD % CLAIMED_SPACE
    return f"{_CLAIMED_FIRST[place & 127]}.{place >> 16}.{place >> 8 & 255}.{place & 255}"


def claimed_network(n: int) -> str:
    """The n-th IPv6 address a request may claim to come from, each in a /64 of its own."""
    return str(IPv6Address(_CLAIMED_BASE_V6 + (n * _SPREAD % CLAIMED_SPACE << 64) + 1))


def address_in_one_site(n: int) -> str:
    """The n-th IPv6 address of one customer of a provider, a /48 (distinct below ONE_SITE_SPACE)."""
    place = n * _SPREAD % ONE_SITE_SPACE
    return str(IPv6Address(_ONE_SITE + ((place & 0xFFFF) << 64) + (place >> 16) + 1))


def proxy_v2(source: str, source_port: int, target: str, target_port: int) -> bytes:
    """The PROXY protocol v2 header that says a TCP connection comes from `source`.

    Both addresses must be of one family, else ValueError. (The PROXY protocol, HAProxy, section 2.2.)
    """
    ports = struct.pack("!HH", source_port, target_port)
    if ":" in source and ":" in target:
        family, block = _TCP6, IPv6Address(source).packed + IPv6Address(target).packed + ports
    elif ":" not in source and ":" not in target:
        family, block = _TCP4, IPv4Address(source).packed + IPv4Address(target).packed + ports
    else:
        raise ValueError(f"{source} and {target} are not of one address family")
    return _SIGNATURE + struct.pack("!BBH", _VERSION_PROXY, family, len(block)) + block
