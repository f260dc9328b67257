"""Counting: the kernel's counters, which only grow, become what happened since the last look, by ban."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from shieldproxy.offload.listing import Listing
from shieldproxy.offload.targets import Element, Target

# Whose ban had ended before its counter was read.
UNCLAIMED = ""


class Meter:
    """Remembers what was told already, so that the sum of all that is told is what the kernel dropped.

    An element takes its counter with it when it ends; the counter of the whole table stays. What the elements do not
    account for is told as UNCLAIMED, one look later: the elements are read first, so what they lack of the table's
    counter of this look may be only on its way, but what they lack of the last look's is gone.
    """

    def __init__(self) -> None:
        self._seen: dict[Target, int] = {}
        self._total_before = 0
        self._told = 0

    def restart(self) -> None:
        """The table was made anew: all its counters begin at nothing."""
        self._seen, self._total_before, self._told = {}, 0, 0

    def take(self, listing: Listing, owners: Mapping[Target, Element]) -> dict[str, int]:
        """Return attempts dropped since the last look by the key of the ban, without zeros."""
        found: Counter[str] = Counter()
        for target, packets in listing.packets.items():
            before = self._seen.get(target, 0)
            # Fewer than before: another element in the same place.
            delta = packets - before if packets >= before else packets
            if delta:
                owner = owners.get(target)
                found[owner.key if owner is not None else UNCLAIMED] += delta
        self._told += found.total()
        gone = self._total_before - self._told
        if gone > 0:
            found[UNCLAIMED] += gone
            self._told += gone
        self._seen = dict(listing.packets)
        self._total_before = listing.total
        return dict(found)
