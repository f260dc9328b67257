"""Chance that can be told in advance."""

from __future__ import annotations


class CountedChance:
    """Serves as Chance of core.ports: each call returns the next number, big-endian."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, count: int) -> bytes:
        """Return ``count`` bytes that no earlier call returned (for calls of equal count)."""
        self.calls += 1
        return self.calls.to_bytes(count, "big")
