"""Copies: pages that anybody may see, kept by one worker for the time in which the origin fails."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from cachetools import Cache, LFUCache

from shieldproxy.proxy.fields import HOP_BY_HOP, Field, named_by_connection, size_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shieldproxy.core.ports import Monotonic, Tallies
    from shieldproxy.proxy.terms import Terms

# A copy is made anew when it is so old (seconds): a page asked for a thousand times a second is copied once.
RENEWED = 1.0
# Copies whose time is over are looked for so often (seconds), when one is made.
SWEEP = 10.0
# No copy is larger than this part of the memory, so that one of them does not displace all others.
PART = 16
# What a copy takes in memory beside its bytes; also the reason why there are never more than memory / 1024.
OVERHEAD = 1_024
# Told anew with each answer, or not ours to repeat.
NOT_KEPT = HOP_BY_HOP | {b"age", b"content-length", b"x-request-id"}


class Copy(NamedTuple):
    """A page: its reason phrase, fields and body. ``born`` is when its age was nothing, ``until`` when it ends."""

    reason: bytes
    fields: tuple[Field, ...]
    body: bytes
    born: float
    made: float
    until: float

    @property
    def size(self) -> int:
        """What it takes of the memory, in bytes."""
        return len(self.body) + size_of(self.fields) + OVERHEAD


class Copies:
    """Copies by name, ``memory`` bytes of them at most; ``seconds`` is how stale they may be shown.

    When there is no room, the one that was asked for least makes it: a flood of addresses that nobody asks for twice
    displaces itself, not the pages people come for.
    """

    def __init__(self, seconds: float, memory: int, *, clock: Monotonic, tallies: Tallies) -> None:
        self.seconds = seconds
        # How stale, how much, and of which origin: what the configuration said when they were begun.
        self.wanted: tuple[float, int, bytes] = (seconds, memory, b"")
        self.largest = memory // PART
        self._clock = clock
        self._tallies = tallies
        self._swept = -math.inf
        self._kept: LFUCache[bytes, Copy] = LFUCache(memory, getsizeof=lambda copy: copy.size)

    def wants(self, name: bytes) -> bool:
        """Tell whether a copy should be made of the answer that comes; asking counts as asking for the page."""
        found = self._kept.get(name)
        return found is None or self._clock() - found.made >= RENEWED

    def keep(
        self, name: bytes, reason: bytes, fields: Sequence[Field], body: bytes, times: tuple[float, float]
    ) -> None:
        """Keep a page; ``times`` are how old it is, and how long it may be shown from now on, in seconds."""
        now, (age, left) = self._clock(), times
        dropped = named_by_connection(fields) | NOT_KEPT
        told = tuple(field for field in fields if field[0] not in dropped)
        copy = Copy(reason, told, body, now - age, now, now + left)
        if copy.size > self.largest:
            return
        if now - self._swept >= SWEEP:
            self._swept = now
            for over in [key for key in self._kept if self._until(key) <= now]:
                del self._kept[over]
        new = name not in self._kept
        before = len(self._kept)
        self._kept[name] = copy
        self._tallies.count("stale_kept")
        displaced = before + new - len(self._kept)
        if displaced:
            self._tallies.count("stale_displaced", displaced)

    def _until(self, name: bytes) -> float:
        copy: Copy = Cache.__getitem__(self._kept, name)  # past the counting of who is asked for
        return copy.until

    def find(self, name: bytes) -> Copy | None:
        """Return a copy that may be shown now."""
        found = self._kept.get(name)
        return found if found is not None and found.until > self._clock() else None

    def age(self, copy: Copy) -> int:
        """Return how old a copy is, in seconds (RFC 9111, 4.2.3)."""
        return int(self._clock() - copy.born)

    @property
    def used(self) -> int:
        """The bytes that are taken."""
        return int(self._kept.currsize)

    def __len__(self) -> int:
        """Return how many copies there are."""
        return len(self._kept)


def copies_for(terms: Terms, kept: Copies | None, *, clock: Monotonic, tallies: Tallies) -> Copies | None:
    """Return the copies of a door under ``terms``: those it ``kept`` where nothing about them changed, or none."""
    wanted = terms.stale_if_error, terms.stale_memory, terms.nameless
    if not terms.stale_if_error or (kept is not None and kept.wanted == wanted):
        return kept if terms.stale_if_error else None
    made = Copies(terms.stale_if_error, terms.stale_memory, clock=clock, tallies=tallies)
    made.wanted = wanted
    return made
