"""Addresses as the judge sees them: which client, which network, and whom to believe about it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# A forwarder chain longer than this is hostile or broken; the walk stops there and trusts nobody further.
MAX_HOPS = 32
# What may follow an address: a port, or the word of a forwarder that hides it (RFC 7239, 6.2).
PORT = re.compile(r":?(?:[0-9]{0,5}|_[A-Za-z0-9._-]+)")


def parse_address(text: str) -> Address | None:
    """Return the address written in ``text``, or None when it is none.

    An IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2) is the IPv4 address it carries, so that one client never
    owns two buckets. Quotes, brackets, a port (``192.0.2.1:8080``, ``[2001:db8::1]:443``) and the zone of an IPv6
    address are taken off, as forwarders write them (RFC 7239, section 6); anything else beside it makes it none.
    """
    parts = _apart(text)
    if parts is None or PORT.fullmatch(parts[1]) is None:
        return None
    try:
        address = ipaddress.ip_address(parts[0].partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def parse_port(text: str) -> int:
    """Return the port that stands beside an address as ``parse_address`` takes it; 0 when there is none."""
    parts = _apart(text)
    port = parts[1].removeprefix(":") if parts is not None else ""
    if len(port) > 5 or not (port.isascii() and port.isdigit()):
        return 0
    return int(port) if int(port) <= 65_535 else 0


def _apart(text: str) -> tuple[str, str] | None:
    """Return the address and what stands behind it; None when a bracket does not close."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text, bracket, port = text[1:].partition("]")
        return (text, port) if bracket else None
    if text.count(":") == 1:
        text, _, port = text.partition(":")
        return text, port
    return text, ""


def prefix_of(address: Address, v4_bits: int, v6_bits: int) -> str:
    """Return the network of ``address`` cut to ``v4_bits`` or ``v6_bits``, written as CIDR."""
    bits = v4_bits if address.version == 4 else v6_bits
    # A /24 is its first three bytes; it is asked for with every new visitor, and this is ten times as quick.
    if bits == 24 and address.version == 4:
        return f"{str(address).rpartition('.')[0]}.0/24"
    if bits <= 64 and address.version == 6:
        return f"{_upper_half(int(address) >> 64, 64 - bits)}::/{bits}"
    return str(ipaddress.ip_network((address, bits), strict=False))


def _upper_half(number: int, cut: int) -> str:
    """Return the first four groups of an IPv6 address, ``cut`` bits of them cleared, as RFC 5952 writes them.

    Groups of zeros at the end are left to the "::" that follows: with the lower half they are always the longest run.
    """
    number = number >> cut << cut
    groups = [number >> 48, number >> 32 & 0xFFFF, number >> 16 & 0xFFFF, number & 0xFFFF]
    while groups and not groups[-1]:
        groups.pop()
    return ":".join([f"{group:x}" for group in groups])


def client_key(address: Address) -> str:
    """Return whom we count: the /32 of IPv4 (written bare) or the /64 of IPv6, the least one subscriber owns."""
    if address.version == 4:
        return str(address)
    return prefix_of(address, 32, 64)


def network_key(address: Address) -> str:
    """Return the neighbourhood: /24 of IPv4, /48 of IPv6, the least that is announced to the Internet."""
    return prefix_of(address, 24, 48)


def binding_prefix(address: Address) -> str:
    """Return what a clearance is bound to: /24 or /56, so that an address changing at home does not lose it."""
    return prefix_of(address, 24, 56)


def within(address: Address, networks: Iterable[Network]) -> bool:
    """Tell whether ``address`` lies in one of ``networks`` (a network of the other family never matches)."""
    return any(address in network for network in networks)


def peel_forwarded(peer: Address, claimed: Sequence[str], trusted: Sequence[Network]) -> Address:
    """Return the client behind a chain of forwarders: walk from the right while the speaker is trusted.

    ``claimed`` is X-Forwarded-For in order of appearance. An entry is believed only when the hop that wrote it
    is in ``trusted``; so an address that an untrusted peer merely claims is never returned. An entry that is
    no address ends the walk at the last believed hop.
    """
    believed = peer
    for text in reversed(claimed[-MAX_HOPS:]):
        if not within(believed, trusted):
            return believed
        address = parse_address(text)
        if address is None:
            return believed
        believed = address
    return believed
