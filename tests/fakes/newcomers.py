"""What newcomers do, in counters that tests can read."""

from __future__ import annotations

from collections import Counter

from shieldproxy.core.excess import Deed


class CountedNewcomers:
    """Serves as Newcomers of core.ports."""

    def __init__(self) -> None:
        self.deeds: Counter[tuple[int, Deed]] = Counter()

    def count(self, asn: int, deed: int) -> None:
        """Count under (asn, deed)."""
        self.deeds[asn, Deed(deed)] += 1
