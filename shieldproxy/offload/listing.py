"""Listings: what nft says our table holds, read in small steps so that nobody else in the process has to wait."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from shieldproxy.core.errors import OffloadError
from shieldproxy.offload.scripts import COUNTER
from shieldproxy.offload.spans import Span, span_of
from shieldproxy.offload.targets import SUBSCRIBER, SetName, Target, target_of

# The elements of a set stand in an array; one element alone is an object of the same name.
_ARRAY = re.compile(r'"elem"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")
_decode = json.JSONDecoder().raw_decode


class Listing(NamedTuple):
    """What the kernel counted: connection attempts dropped by element, and by all elements there ever were."""

    packets: Mapping[Target, int]
    total: int


def read_listing(text: str) -> Listing:
    """Return what ``nft -j list table`` wrote. Raises OffloadError when it is not what it should be.

    A hundred thousand elements are ten megabytes. Decoded at once they would hold every other thread for a third of a
    second; so the arrays are decoded element by element, and the rest, which is small, as a whole.
    """
    try:
        arrays, rest = _apart(text)
        packets: dict[Target, int] = {}
        total = 0
        for entry in json.loads(rest)["nftables"]:
            if "counter" in entry and entry["counter"]["name"] == COUNTER:
                total = int(entry["counter"]["packets"])
            elif "set" in entry and "elem" in entry["set"]:
                packets.update(_elements(SetName(entry["set"]["name"]), arrays[entry["set"]["elem"]]))
        return Listing(packets, total)
    except (ValueError, LookupError, TypeError) as error:
        raise OffloadError(
            f"nft lists the table in a way that cannot be read: {type(error).__name__} {error}"
        ) from error


def _apart(text: str) -> tuple[list[list[Any]], str]:
    """Return the arrays of elements, and the text with the number of its array in place of each."""
    arrays: list[list[Any]] = []
    rest: list[str] = []
    place = 0
    while (found := _ARRAY.search(text, place)) is not None:
        array, end = _array(text, found.end())
        rest += [text[place : found.end() - 1], str(len(arrays))]
        arrays.append(array)
        place = end
    return arrays, "".join([*rest, text[place:]])


def _array(text: str, place: int) -> tuple[list[Any], int]:
    """Return the members of the array whose first member is at ``place``, and where the text goes on."""
    members: list[Any] = []
    while True:
        between = _BETWEEN.match(text, place)
        place = between.end() if between is not None else place
        if text.startswith("]", place):
            return members, place + 1
        member, place = _decode(text, place)
        members.append(member)


def _elements(name: SetName, array: list[Any]) -> Iterator[tuple[Target, int]]:
    for member in array:
        element = member["elem"]
        yield Target(name, _span(name, element["val"])), int(element["counter"]["packets"])


def _span(name: SetName, value: Any) -> Span:
    if isinstance(value, str):
        if name is SetName.CLIENTS4:
            return target_of(value).span
        first = int(ipaddress.ip_address(value))
        return Span(first, first | SUBSCRIBER if name is SetName.CLIENTS6 else first)
    if "prefix" in value:
        return span_of(ipaddress.ip_network((value["prefix"]["addr"], value["prefix"]["len"])))
    first, last = value["range"]
    return Span(int(ipaddress.ip_address(first)), int(ipaddress.ip_address(last)))
