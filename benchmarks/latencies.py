"""Latencies of a whole run in fixed memory: one counter for each microsecond below one second."""

from __future__ import annotations

from array import array

SPAN = 1_000_000
"""Microseconds told apart, 8 MB whatever the run's length; what took longer is counted in the last cell."""


class Latencies:
    """Counts durations and answers percentiles exactly to the microsecond."""

    def __init__(self) -> None:
        self._cells = array("Q", bytes(8 * SPAN))
        self.count = 0

    def add(self, seconds: float) -> None:
        """Counts one duration."""
        cell = int(seconds * 1e6)
        self._cells[cell if cell < SPAN else SPAN - 1] += 1
        self.count += 1

    def percentile(self, share: float) -> float:
        """The smallest duration in microseconds that `share` (0..1) of all stayed within; 0.0 without any."""
        wanted = share * self.count
        seen = 0
        if not self.count:
            return 0.0
        for cell, count in enumerate(self._cells):
            seen += count
            if count and seen >= wanted:
                return float(cell)
        return float(SPAN)
