"""A packet filter in memory: understands the part of nft's language that we write, as strictly as the kernel does."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from shieldproxy.core.errors import OffloadError
from shieldproxy.offload.spans import Span, span_of

if TYPE_CHECKING:
    from collections.abc import Callable

ELEMENTS = re.compile(r"(add|delete) element inet shieldproxy (\w+) \{ (.*) \}")
TIMED = re.compile(r"(\S+)(?: timeout (\d+)s)?")


class Place(NamedTuple):
    """An element: until when (0.0: for ever), and what it dropped."""

    until: float
    packets: int


class FakeKernel:
    """Serves as PacketFilter. ``refusal`` is what it says to everything while it is not ''."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.sets: dict[str, dict[str, Place]] | None = None
        self.total = 0
        self.tables_made = 0
        self.scripts: list[str] = []
        self.refusal = ""

    # -- what nft is asked ------------------------------------------------------------------------------------------

    def run(self, script: str) -> None:
        self.scripts.append(script)
        before = None if self.sets is None else {name: dict(held) for name, held in self.sets.items()}
        try:
            if self.refusal:
                raise OffloadError(self.refusal)
            for line in script.splitlines():
                self._do(line)
        except OffloadError:
            self.sets = before
            raise

    def list_table(self) -> str:
        if self.refusal:
            raise OffloadError(self.refusal)
        entries: list[dict[str, Any]] = [{"metainfo": {"version": "1.0.6"}}]
        entries.append({"counter": {"name": "dropped", "packets": self.total, "bytes": 0}})
        for name, held in self._table().items():
            listed = [self._listed(value, place) for value, place in held.items() if self._lives(place)]
            entries.append({"set": {"name": name} | ({"elem": listed} if listed else {})})
        return json.dumps({"nftables": entries})

    # -- what a test looks at ---------------------------------------------------------------------------------------

    def spans(self, name: str) -> dict[Span, Place]:
        """Return the living elements of a set."""
        return {span(value): place for value, place in self._table()[name].items() if self._lives(place)}

    def hit(self, text: str) -> bool:
        """Let a packet that asks for a connection arrive from ``text``; True when it is dropped, and counted."""
        address = ipaddress.ip_address(text)
        client = text if address.version == 4 else str(ipaddress.ip_network((text, 64), strict=False).network_address)
        for name in (f"clients{address.version}", f"networks{address.version}"):
            for value, place in self._table()[name].items():
                found = value == client if name.startswith("clients") else inside(int(address), span(value))
                if found and self._lives(place):
                    self._table()[name][value] = place._replace(packets=place.packets + 1)
                    self.total += 1
                    return True
        return False

    # -- how it works -----------------------------------------------------------------------------------------------

    def _do(self, line: str) -> None:
        elements = ELEMENTS.fullmatch(line)
        if elements is not None:
            verb, name, words = elements.groups()
            for word in words.split(", "):
                self._one(verb, name, word)
        elif line == "add table inet shieldproxy":
            self.sets = self.sets if self.sets is not None else {}
        elif line == "delete table inet shieldproxy":
            self._table()
            self.sets, self.total = None, 0
        elif line.startswith("table inet shieldproxy {"):
            self.sets = {}
            self.tables_made += 1
        elif line.startswith("  set "):
            self._table()[line.split()[1]] = {}
        elif line.startswith("flush set inet shieldproxy "):
            self._table()[line.rsplit(maxsplit=1)[-1]].clear()
        elif line and not line.startswith((" ", "}")):
            raise OffloadError(f"nft: syntax error: {line}")

    def _one(self, verb: str, name: str, word: str) -> None:
        match = TIMED.fullmatch(word)
        if match is None:
            raise OffloadError(f"nft: syntax error: {word}")
        value, seconds = match[1], int(match[2] or 0)
        held = self._table()[name]
        there = value in held and self._lives(held[value])
        if verb == "delete":
            if not there:
                raise OffloadError("nft: No such file or directory")
            del held[value]
        elif not there:
            if name.startswith("networks") and any(meet(span(value), span(other)) for other in held):
                raise OffloadError("nft: conflicting intervals specified")
            held[value] = Place(self.clock() + seconds if seconds else 0.0, 0)

    def _table(self) -> dict[str, dict[str, Place]]:
        if self.sets is None:
            raise OffloadError("nft: No such file or directory")
        return self.sets

    def _lives(self, place: Place) -> bool:
        return place.until == 0.0 or place.until > self.clock()

    def _listed(self, value: str, place: Place) -> dict[str, Any]:
        said: Any = value
        if "/" in value:
            said = {"prefix": {"addr": value.partition("/")[0], "len": int(value.partition("/")[2])}}
        elif "-" in value:
            said = {"range": value.split("-")}
        return {"elem": {"val": said, "timeout": 9, "expires": 9, "counter": {"packets": place.packets, "bytes": 0}}}


def span(value: str) -> Span:
    """Return the addresses of an element as nft writes it."""
    if "-" in value:
        first, last = value.split("-")
        return Span(int(ipaddress.ip_address(first)), int(ipaddress.ip_address(last)))
    return span_of(ipaddress.ip_network(value))


def inside(number: int, around: Span) -> bool:
    """Tell whether an address lies in a span."""
    return around.low <= number <= around.high


def meet(first: Span, second: Span) -> bool:
    """Tell whether two spans share an address."""
    return first.low <= second.high and second.low <= first.high
