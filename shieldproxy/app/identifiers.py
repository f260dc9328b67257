"""Identifiers: the ID that a request has in its answer, on a block page and in the journal."""

from __future__ import annotations

# The last two digits, spelled: to format a number costs more than all else of an ID.
LAST = tuple(f"{number:02x}" for number in range(256))


class Identifiers:
    """Request IDs: ``6743a1b2.0.01f3a77`` - second, worker, number; sortable, and short enough to read out on a phone.

    ``chance`` is where the numbers begin: a worker that starts anew within the same second must not repeat one.
    """

    def __init__(self, worker: int, chance: bytes) -> None:
        self._worker = worker
        self._number = int.from_bytes(chance, "big")
        self._second = ""
        self._begun = ""

    def tell_time(self, unix_seconds: float) -> None:
        """Name the second that IDs begin with from now on."""
        self._second = f"{int(unix_seconds):08x}.{self._worker:x}."
        self._begin()

    def next(self) -> str:
        """Return an ID that this node never gave before."""
        self._number += 1
        last = self._number & 0xFF
        if not last:
            self._begin()
        return self._begun + LAST[last]

    def _begin(self) -> None:
        """Spell what the next IDs have in common: all but the last two digits."""
        self._begun = f"{self._second}{self._number >> 8 & 0xFFFFF:05x}"
