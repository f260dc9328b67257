"""What newcomers do, in counters that tests can read."""

from __future__ import annotations

from collections import Counter

from shieldproxy.core.excess import Deed


class CountedTraits:
    """Serves as Traits of core.ports."""

    def __init__(self) -> None:
        self.pages: Counter[str] = Counter()

    def count(self, traits: tuple[str, ...]) -> None:
        """Count one page."""
        self.pages.update(("", *traits))


class CountedNewcomers:
    """Serves as Newcomers of core.ports."""

    def __init__(self) -> None:
        self.deeds: Counter[tuple[int, Deed]] = Counter()

    def count(self, asn: int, deed: int) -> None:
        """Count under (asn, deed)."""
        self.deeds[asn, Deed(deed)] += 1
