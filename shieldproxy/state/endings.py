"""Endings: when the ban or allowance of a key was last ended, so that an older ruling does not bring it back."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shieldproxy.core.rulings import Ruling

# Ends are ordered by hand; so many in a month are none. The one that was noted first gives way, and is counted.
MAX_ENDINGS = 10_000
# An end is remembered as long as the longest rung a ladder may have (seconds).
REMEMBERED = 30 * 86_400.0


class Endings:
    """The last end of each key and list. ``dropped`` counts those that gave way for want of room."""

    def __init__(self) -> None:
        self._ends: OrderedDict[tuple[str, str], Ruling] = OrderedDict()
        self.dropped = 0

    def note(self, end: Ruling) -> None:
        """Remember ``end``; an earlier one of the same key is forgotten, a later one stays."""
        place = (str(end.list), end.key)
        held = self._ends.get(place)
        if held is not None and held.made >= end.made:
            return
        self._ends[place] = end
        if len(self._ends) > MAX_ENDINGS:
            self._ends.popitem(last=False)
            self.dropped += 1

    def made(self, which: str, key: str) -> int:
        """Return when the last end was made (unix milliseconds), -1 when none is remembered."""
        end = self._ends.get((str(which), key))
        return -1 if end is None else end.made

    def sweep(self, wall: float) -> None:
        """Let go of what need not be remembered any more at ``wall`` (unix seconds)."""
        over = [place for place, end in self._ends.items() if end.until <= wall]
        for place in over:
            del self._ends[place]

    def __iter__(self) -> Iterator[Ruling]:
        """Yield every end, in no order."""
        return iter(tuple(self._ends.values()))
