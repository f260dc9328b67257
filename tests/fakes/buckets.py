"""A bucket table over a dict: no size, no sharing, the same arithmetic."""

from __future__ import annotations

import hashlib

from shieldproxy.core.buckets import take


class DictBuckets:
    """Serves as Buckets of core.ports."""

    def __init__(self) -> None:
        self.full_at: dict[int, float] = {}
        self.saturated = False

    def slot(self, limit: str, key: str) -> int:
        """Return 64 bits of a hash over limit and key."""
        return int.from_bytes(hashlib.blake2b(f"{limit}\0{key}".encode(), digest_size=8).digest(), "big")

    def charge(self, slot: int, interval: float, span: float, now: float) -> float:
        """Charge one token and return the slack."""
        self.full_at[slot], slack = take(self.full_at.get(slot, 0.0), now, interval, span)
        return slack
