"""Spans: unbroken stretches of addresses as pairs of numbers, and what is left of one when others are taken out."""

from __future__ import annotations

import ipaddress
import socket
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from shieldproxy.core.addresses import Network

FAMILIES = {4: ipaddress.IPv4Address, 6: ipaddress.IPv6Address}
BITS = {4: 32, 6: 128}


class Span(NamedTuple):
    """All addresses of one family from ``low`` to ``high``, both included."""

    low: int
    high: int


_high = attrgetter("high")
_low = attrgetter("low")


def span_of(network: Network) -> Span:
    """Return the addresses of ``network``."""
    return Span(int(network.network_address), int(network.broadcast_address))


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return the same addresses as spans in order that do not overlap."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.low <= found[-1].high:
            found[-1] = Span(found[-1].low, max(found[-1].high, span.high))
        else:
            found.append(span)
    return found


def overlapping(span: Span, others: Sequence[Span]) -> Sequence[Span]:
    """Return those of ``others`` (in order, not overlapping) that share an address with ``span``."""
    first = bisect_left(others, span.low, key=_high)
    last = bisect_right(others, span.high, key=_low)
    return others[first:last]


def without(span: Span, holes: Sequence[Span]) -> list[Span]:
    """Return what is left of ``span`` outside ``holes`` (in order, not overlapping)."""
    left: list[Span] = []
    low = span.low
    for hole in overlapping(span, holes):
        if hole.low > low:
            left.append(Span(low, hole.low - 1))
        low = hole.high + 1
    if low <= span.high:
        left.append(Span(low, span.high))
    return left


def spelled(span: Span, version: int) -> str:
    """Return ``span`` as nft writes it: an address, a network in CIDR, or a range ``first-last``."""
    if version == 4 and span.low == span.high:
        return socket.inet_ntoa(span.low.to_bytes(4, "big"))
    address = FAMILIES[version]
    first = address(span.low)
    size = span.high - span.low + 1
    if size == 1:
        return str(first)
    if size & (size - 1) == 0 and span.low % size == 0:
        return f"{first}/{BITS[version] - size.bit_length() + 1}"
    return f"{first}-{address(span.high)}"
