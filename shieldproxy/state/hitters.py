"""Heavy hitters: which networks ask most, in memory that does not grow with their number (Space-Saving)."""

from __future__ import annotations

import heapq
from typing import NamedTuple

from shieldproxy.core.verdict import Action

ACTIONS = len(Action)
# Whoever makes more than one request in 256 is certainly among them (Metwally and others, 2005).
KEPT = 256
# ASNs counted exactly between two merges. An attack from more networks than this only merges more often.
PENDING = 4_096


class Network(NamedTuple):
    """One network as counted: requests by action, and how many more than these it may not have had.

    ``inherited`` is the count of the one it displaced: the true number since the node started lies between ``total``
    and ``total + inherited``.
    """

    asn: int
    inherited: float
    actions: tuple[float, ...]

    @property
    def total(self) -> float:
        """Requests certainly counted."""
        return sum(self.actions)

    @property
    def rank(self) -> float:
        """The upper bound, by which Space-Saving decides who stays."""
        return self.inherited + sum(self.actions)


class HeavyHitters:
    """The Space-Saving summary of one worker, merged in batches: a request costs one look into a dict.

    Batches are exact, and merging ``n`` requests of a key at once is what Space-Saving does with ``n`` in a row, so
    its promise holds: no count is wrong by more than the requests of all divided by KEPT.
    """

    def __init__(self, kept: tuple[Network, ...] = ()) -> None:
        self._kept = {network.asn: network for network in kept}
        self._pending: dict[int, list[int]] = {}

    def count(self, asn: int, action: int) -> None:
        """Count one request."""
        counts = self._pending.get(asn)
        if counts is None:
            if len(self._pending) >= PENDING:
                self.merge()
            counts = self._pending[asn] = [0] * ACTIONS
        counts[action] += 1

    def merge(self) -> None:
        """Bring what was counted since the last time into the summary."""
        pending, self._pending = self._pending, {}
        kept = self._kept
        for asn in [asn for asn in pending if asn in kept]:
            old = kept[asn]
            added = pending.pop(asn)
            kept[asn] = old._replace(actions=tuple(map(sum, zip(old.actions, added, strict=True))))
        ranks = [(network.rank, asn) for asn, network in kept.items()]
        heapq.heapify(ranks)
        for asn, counts in pending.items():
            inherited = 0.0
            if len(kept) >= KEPT:
                inherited, loser = heapq.heappop(ranks)
                del kept[loser]
            kept[asn] = Network(asn, inherited, tuple(map(float, counts)))
            heapq.heappush(ranks, (kept[asn].rank, asn))

    def networks(self) -> tuple[Network, ...]:
        """Return the summary as of the last merge."""
        return tuple(self._kept.values())
