"""Identifiers: the ID that a request has in its answer, on a block page and in the journal."""

from __future__ import annotations


class Identifiers:
    """Request IDs: ``6743a1b2.0.01f3a77`` - second, worker, number; sortable, and short enough to read out on a phone.

    ``chance`` is where the numbers begin: a worker that starts anew within the same second must not repeat one.
    """

    def __init__(self, worker: int, chance: bytes) -> None:
        self._worker = worker
        self._number = int.from_bytes(chance, "big")
        self._prefix = ""

    def tell_time(self, unix_seconds: float) -> None:
        """Name the second that IDs begin with from now on."""
        self._prefix = f"{int(unix_seconds):08x}.{self._worker:x}."

    def next(self) -> str:
        """Return an ID that this node never gave before."""
        self._number += 1
        return f"{self._prefix}{self._number & 0xFFFFFFF:07x}"
