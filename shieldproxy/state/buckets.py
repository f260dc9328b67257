"""The bucket table: one moment a bucket, all workers of a node on the same table, so a limit holds for the node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from shieldproxy.core.buckets import TOLERANCE, Scope
from shieldproxy.state.names import Names
from shieldproxy.state.slots import SlotTable

# How long after an eviction the table does not vouch for newcomers. Longer than a flood's natural breath, short enough
# that citizens are not challenged for a peak that is over.
SATURATED_FOR = 10.0
# 512 sets are 4,096 slots: an estimate within a few hundredths of the capacity, in about half a millisecond.
SAMPLED_SETS = 512
# The three high bits of a bucket's name tell its scope, so that a sample of the table can be counted by scope.
SCOPE_SHIFT = 61
SCOPE_CODES = {scope: code for code, scope in enumerate(Scope, start=1)}
OTHER = "other"
WORDS = (OTHER, *(scope.value for scope in Scope))


class Occupancy(NamedTuple):
    """How full the table is: live buckets and capacity in slots, and live buckets by scope (``other``: our own)."""

    live: int
    capacity: int
    scopes: Mapping[str, int]


class BucketTable:
    """The port ``Buckets`` over a slot table that all workers share.

    ``saturated`` is a plain attribute, as good as the last ``refresh``: the hot path pays one attribute for it.
    """

    __slots__ = (
        "_keys",
        "_last",
        "_limits",
        "_mask",
        "_moments",
        "_names",
        "_scopes",
        "_spelled",
        "_table",
        "saturated",
    )

    def __init__(self, table: SlotTable, secret: bytes, scopes: Mapping[str, Scope] | None = None) -> None:
        self._table = table
        self._keys, self._limits = Names(secret, "bucket"), Names(secret, "limit")
        self._last = "", self._keys.name("")
        self._scopes: dict[str, Scope] = {}
        self._spelled: dict[str, tuple[int, int]] = {}
        self.saturated = False
        # Borrowed from the table, of the same room: charge() is the hottest function of the product.
        self._names, self._moments, self._mask = table._names, table._moments, table._mask
        self.set_scopes(scopes or {})

    def set_scopes(self, scopes: Mapping[str, Scope]) -> None:
        """Learn the scope of each limit by name. Every worker must be told the same; a name not told is ``other``.

        Buckets of a limit whose scope stays keep their charge, whatever else changes.
        """
        self._scopes = dict(scopes)
        self._spelled = {}

    def slot(self, limit: str, key: str) -> int:
        """Return the 64-bit name of the bucket of ``key`` under ``limit``; the same in every worker, never 0.

        About a microsecond for a key, and a third of it for each further limit of the same key: a new client has a
        dozen buckets, and a flood of new clients pays for all of them. So a key is hashed once, and the limit's own
        number moves the result to another place; nobody outside the node can foretell either. ``limit`` is a word of
        the configuration, never of a client.
        """
        spelled = self._spelled.get(limit)
        if spelled is None:
            spelled = self._spell(limit)
        last = self._last
        if last[0] != key:
            last = self._last = key, self._keys.name(key)
        moved, high = spelled
        return (last[1] ^ moved) >> 3 | high or 1

    def _spell(self, limit: str) -> tuple[int, int]:
        if len(self._spelled) >= 1024:  # no configuration has so many limits; a wrong caller must not grow us
            self._spelled = {}
        code = SCOPE_CODES.get(self._scopes[limit], 0) if limit in self._scopes else 0
        spelled = self._spelled[limit] = self._limits.name(limit), code << SCOPE_SHIFT
        return spelled

    def charge(self, slot: int, interval: float, span: float, now: float) -> float:
        """Charge one token and return the slack in seconds (below zero: overdrawn and not charged).

        Equals ``core.buckets.take`` on the moment kept under ``slot``, with one search and one write.
        """
        place = slot & self._mask
        if self._names[place] != slot:
            place = self._table.claim(slot, now)[0]
        full_at = self._moments[place]
        filled = (full_at if full_at > now else now) + interval
        slack = span - (filled - now)
        if slack < -TOLERANCE:
            if full_at > now + span:
                self._moments[place] = now + span
                return -interval
            return slack
        self._moments[place] = filled
        return slack if slack > 0.0 else 0.0

    def refresh(self, now: float) -> None:
        """Bring ``saturated`` up to date; once a second is often enough."""
        last = self._table.last_eviction
        self.saturated = last > 0.0 and now - last < SATURATED_FOR

    @property
    def evictions(self) -> int:
        """Live buckets forgotten since the node started, by all workers."""
        return self._table.evictions

    def occupancy(self, now: float) -> Occupancy:
        """Return how full the table is, estimated from a sample of its sets."""
        alive, looked = self._table.sample(now, SAMPLED_SETS)
        counts = [0] * len(WORDS)
        for name in alive:
            counts[name >> SCOPE_SHIFT] += 1
        factor = self._table.capacity / looked
        scopes = {word: round(count * factor) for word, count in zip(WORDS, counts, strict=True) if count}
        return Occupancy(round(len(alive) * factor), self._table.capacity, scopes)
