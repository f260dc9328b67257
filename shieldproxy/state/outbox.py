"""The outbox: rulings of this node that the other nodes have not been told yet."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from shieldproxy.state.banlist import MAX_ENTRIES

if TYPE_CHECKING:
    from shieldproxy.core.rulings import Ruling

# As many as a list of bans holds: some 50 MB when the other side is gone for hours of a flood.
MAX_WAITING = MAX_ENTRIES


class Outbox:
    """Waiting rulings, the oldest first. ``lost`` counts those that gave way to newer ones for want of room."""

    def __init__(self, most: int = MAX_WAITING) -> None:
        self._waiting: OrderedDict[tuple[str, str, bool], Ruling] = OrderedDict()
        self._most = most
        self.lost = 0

    def put(self, ruling: Ruling) -> None:
        """Add ``ruling``, in place of an older one of its kind about the same key. An end waits beside a ban."""
        place = (str(ruling.list), ruling.key, ruling.ends)
        self._waiting.pop(place, None)
        self._waiting[place] = ruling
        if len(self._waiting) > self._most:
            self._waiting.popitem(last=False)
            self.lost += 1

    def first(self, count: int, wall: float) -> list[Ruling]:
        """Return up to ``count`` rulings, which stay until they are ``told``; what is over at ``wall`` is let go of."""
        found: list[Ruling] = []
        over: list[tuple[str, str, bool]] = []
        for place, ruling in self._waiting.items():
            if max(ruling.until, ruling.remembered) <= wall:
                over.append(place)
                continue
            found.append(ruling)
            if len(found) == count:
                break
        for place in over:
            del self._waiting[place]
        return found

    def told(self, rulings: list[Ruling]) -> None:
        """Let go of ``rulings``; one that was replaced meanwhile stays."""
        for ruling in rulings:
            place = (str(ruling.list), ruling.key, ruling.ends)
            if self._waiting.get(place) is ruling:
                del self._waiting[place]

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)
