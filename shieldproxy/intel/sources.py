"""The published files the bundled snapshot is made of: lines in; ranges, AS numbers and networks out. Pure."""

from __future__ import annotations

import csv
import heapq
import ipaddress
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from shieldproxy.core.addresses import Network

_LISTED_ASN = re.compile(r"\s*(?:AS)?(\d{1,10})\b")
# The country file of Tor marks "nobody knows" and two continents with codes that are no ISO 3166 country.
_NO_COUNTRY = frozenset({"??", "AP", "EU"})


class Span(NamedTuple):
    """The addresses first..last (both included, as numbers of one IP version) and what is said of them."""

    first: int
    last: int
    value: tuple[str, ...]


def asn_spans(lines: Iterable[str]) -> Iterator[Span]:
    """Rows of an ip-location-db ASN file: first, last, number, organisation; addresses in any notation."""
    for first, last, number, *names in csv.reader(lines):
        yield Span(_number(first), _number(last), (number, " ".join("".join(names[:1]).split())))


def country_spans(lines: Iterable[str]) -> Iterator[Span]:
    """Rows of Tor's geoip and geoip6: first, last, ISO 3166 code. Rows without a country are left out."""
    for line in lines:
        if line.startswith("#"):
            continue
        first, last, code = line.strip().split(",")
        if code not in _NO_COUNTRY:
            yield Span(_number(first), _number(last), (code,))


def merge(spans: Iterable[Span]) -> Iterator[Span]:
    """Joins neighbours that say the same, in order of address.

    Where two spans overlap, the one that begins later speaks for what both hold: it is the more specific announcement.
    """
    current: Span | None = None
    for span in _disjoint(spans):
        if current is None:
            current = span
        elif span.first == current.last + 1 and span.value == current.value:
            current = Span(current.first, span.last, current.value)
        else:
            yield current
            current = span
    if current is not None:
        yield current


def _disjoint(spans: Iterable[Span]) -> Iterator[Span]:
    """The same spans in order, cut where they overlap."""
    waiting = list(spans)
    heapq.heapify(waiting)
    while waiting:
        span = heapq.heappop(waiting)
        if waiting and waiting[0].first <= span.last:
            later = waiting[0]
            if span.first == later.first:  # the shorter one came first: it speaks, the other goes on behind it
                heapq.heappop(waiting)
                if later.last > span.last:
                    heapq.heappush(waiting, Span(span.last + 1, later.last, later.value))
                heapq.heappush(waiting, span)
                continue
            if span.last > later.last:
                heapq.heappush(waiting, Span(later.last + 1, span.last, span.value))
            span = Span(span.first, later.first - 1, span.value)
        yield span


def listed_asns(lines: Iterable[str]) -> set[int]:
    """AS numbers of a list with one a line: "AS9009 # name" or "9009,name". Headings and comments say nothing."""
    found = (_LISTED_ASN.match(line) for line in lines)
    return {int(match[1]) for match in found if match}


def networks(texts: Iterable[str]) -> list[Network]:
    """Addresses and networks, one a line, joined into the fewest networks: IPv4 first, each in order.

    Raises:
        ValueError: a line is neither, or a network has host bits (ipaddress says which).
    """
    parsed = [ipaddress.ip_network(text.strip()) for text in texts if text.strip()]
    joined: list[Network] = []
    joined += ipaddress.collapse_addresses(n for n in parsed if isinstance(n, ipaddress.IPv4Network))
    joined += ipaddress.collapse_addresses(n for n in parsed if isinstance(n, ipaddress.IPv6Network))
    return joined


def _number(text: str) -> int:
    return int(text) if text.isdigit() else int(ipaddress.ip_address(text))
