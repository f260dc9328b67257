"""Tallies in counters that tests can read."""

from __future__ import annotations

from collections import Counter


class CountedTallies:
    """Serves as Tallies of core.ports."""

    def __init__(self) -> None:
        self.verdicts: Counter[tuple[int, int]] = Counter()
        self.named: Counter[str] = Counter()
        self.networks: Counter[tuple[int, int]] = Counter()
        self.durations: list[int] = []
        self.origin_durations: list[int] = []

    def count_verdict(self, action: int, stage: int, duration_us: int) -> None:
        """Count under (action, stage) and keep the duration."""
        self.verdicts[action, stage] += 1
        self.durations.append(duration_us)

    def count_origin(self, duration_us: int) -> None:
        """Keep the duration."""
        self.origin_durations.append(duration_us)

    def count(self, name: str, amount: float = 1.0) -> None:
        """Add ``amount`` to ``name``; any name is taken, the test looks which."""
        self.named[name] += amount  # type: ignore[assignment]  # a Counter adds floats as well as it adds ints

    def count_asn(self, asn: int, action: int) -> None:
        """Count under (asn, action)."""
        self.networks[asn, action] += 1
