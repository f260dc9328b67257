"""A table of moments in shared memory: 16 bytes a slot, eight slots a set, the same for every worker of a node.

A slot is a 64-bit name and a 64-bit float, the moment until which it means something. A slot whose moment has
passed means nothing and may be used again without loss, so nothing is ever cleaned up. All calls on one table
speak of one clock, which is never negative.

Names are uniform (a keyed hash), so their low bits say where they live: a set, and in it the way to look at first.
A slot, once used, keeps a name for ever and a name goes to its first way when that is free; so a first way that was
never used proves in one look that the name is absent.

Nothing is locked. Eight aligned bytes are stored in one piece by every processor we run on, and two workers that
meet in one slot within the same microsecond cost each other at most the charge of one request. Only when a set is
full of live slots can a newcomer also inherit the moment of the one it displaces, the one that would have ended first.
"""

from __future__ import annotations

import struct

WAYS = 8
SLOT_BYTES = 16
# A writer has a line of its own for its counts, so that no two workers ever write one cell, nor share a cache line.
# More workers than this on one machine have not been seen; a line costs 64 bytes.
MAX_WRITERS = 256
LINE = 64
HEADER_BYTES = MAX_WRITERS * LINE
EVICTIONS, REFUSALS, LAST_EVICTION = 0, 1, 2  # cells of a line
CELLS = LINE // 8
# Native order and size: each field is copied as one piece, which standard sizes ("<8Q") do not promise.
read_names = struct.Struct("8Q").unpack_from
read_moments = struct.Struct("8d").unpack_from


def slots_for(wanted: int) -> int:
    """Return how many slots a table for ``wanted`` has: whole sets, their number a power of two."""
    sets = max(1, -(-wanted // WAYS))
    return WAYS << (sets - 1).bit_length()


def bytes_for(wanted: int) -> int:
    """Return how many bytes a table for ``wanted`` slots takes, header and all."""
    return HEADER_BYTES + slots_for(wanted) * SLOT_BYTES


class SlotTable:
    """The table over ``buffer``, which every worker maps; all zeros is an empty table.

    ``writer`` is the caller's own number below MAX_WRITERS. Raises ValueError when the buffer has no length that
    ``bytes_for`` returns.
    """

    __slots__ = ("_buffer", "_counts", "_line", "_mask", "_moments", "_moments_at", "_names", "_stamps", "capacity")

    def __init__(self, buffer: memoryview | bytearray, writer: int = 0) -> None:
        view = memoryview(buffer)
        capacity = (len(view) - HEADER_BYTES) // SLOT_BYTES
        if capacity < WAYS or len(view) != bytes_for(capacity):
            raise ValueError(f"{len(view)} bytes are no table: see bytes_for")
        if not 0 <= writer < MAX_WRITERS:
            raise ValueError(f"writer {writer}: allowed are 0 to {MAX_WRITERS - 1}")
        self.capacity = capacity
        self._mask = capacity - 1
        self._moments_at = HEADER_BYTES + capacity * 8
        self._buffer = view
        self._names = view[HEADER_BYTES : self._moments_at].cast("Q")
        self._moments = view[self._moments_at :].cast("d")
        self._counts = view[:HEADER_BYTES].cast("Q")
        self._stamps = view[:HEADER_BYTES].cast("d")
        self._line = writer * CELLS

    def get(self, name: int) -> float:
        """Return the moment of ``name``, passed or not; 0.0 when it is not in the table."""
        first = name & self._mask
        held = self._names[first]
        if held == name:
            return self._moments[first]
        if held == 0:
            return 0.0
        place = self.find(name)
        return self._moments[place] if place >= 0 else 0.0

    def put(self, name: int, until: float, now: float) -> bool:
        """Let ``name`` last until ``until``; False when a live slot had to be evicted for it, which is counted."""
        place, kept = self.claim(name, now)
        self._moments[place] = until
        return kept

    def put_if_room(self, name: int, until: float, now: float) -> bool:
        """Let ``name`` last until ``until``, or leave all as it is, count and return False when its set is full."""
        place = self.find(name)
        if place < 0:
            place = self.free(name, now)
        if place < 0:
            self._counts[self._line + REFUSALS] += 1
            return False
        self._names[place] = name
        self._moments[place] = until
        return True

    def drop(self, name: int) -> None:
        """Let ``name`` end at once."""
        place = self.find(name)
        if place >= 0:
            self._moments[place] = 0.0

    def claim(self, name: int, now: float) -> tuple[int, bool]:
        """Return the place of ``name``, made for it where need be, and False when a live slot was evicted."""
        place = self.find(name)
        if place >= 0:
            return place, True
        place = self.free(name, now)
        if place >= 0:
            self._names[place] = name
            return place, True
        return self._evict(name, now), False

    def find(self, name: int) -> int:
        """Return the place of ``name``, or -1."""
        first = name & self._mask
        held = self._names[first]
        if held == name:
            return first
        if held == 0:
            return -1
        base = first & -WAYS
        names = read_names(self._buffer, HEADER_BYTES + base * 8)
        return base + names.index(name) if name in names else -1

    def free(self, name: int, now: float) -> int:
        """Return a place where ``name`` may go without loss, or -1 when its set is full of live slots."""
        first = name & self._mask
        if self._moments[first] <= now:
            return first
        base = first & -WAYS
        moments = read_moments(self._buffer, self._moments_at + base * 8)
        soonest = min(moments)
        return base + moments.index(soonest) if soonest <= now else -1

    def _evict(self, name: int, now: float) -> int:
        """Give ``name`` the live slot of its set that ends soonest: who misbehaves most is forgotten last."""
        base = name & self._mask & -WAYS
        moments = read_moments(self._buffer, self._moments_at + base * 8)
        place = base + moments.index(min(moments))
        self._moments[place] = 0.0  # first, so that nobody reads the old moment under the new name
        self._names[place] = name
        self._counts[self._line + EVICTIONS] += 1
        self._stamps[self._line + LAST_EVICTION] = now
        return place

    @property
    def evictions(self) -> int:
        """Live slots evicted since the table was made, by all workers."""
        return sum(self._counts[EVICTIONS::CELLS].tolist())

    @property
    def refusals(self) -> int:
        """Names refused by ``put_if_room`` since the table was made, by all workers."""
        return sum(self._counts[REFUSALS::CELLS].tolist())

    @property
    def last_eviction(self) -> float:
        """The moment of the latest eviction by any worker; 0.0 when there was none."""
        return max(self._stamps[LAST_EVICTION::CELLS].tolist())

    def sample(self, now: float, sets: int) -> tuple[list[int], int]:
        """Return the names alive in about ``sets`` evenly spread sets, and how many slots were looked at."""
        stride = max(1, self.capacity // WAYS // sets) * WAYS
        alive: list[int] = []
        looked = 0
        for base in range(0, self.capacity, stride):
            names = read_names(self._buffer, HEADER_BYTES + base * 8)
            moments = read_moments(self._buffer, self._moments_at + base * 8)
            alive += [name for name, moment in zip(names, moments, strict=True) if moment > now]
            looked += WAYS
        return alive, looked
