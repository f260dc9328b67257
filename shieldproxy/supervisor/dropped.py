"""Dropped: what the kernel kept away is collected for some seconds and then written down, one record a ban."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from shieldproxy.core.facts import NetworkLabel
from shieldproxy.core.record import Record
from shieldproxy.offload.records import Shared, records_of

# As long as a worker's journal sums up refusals in a flood.
WINDOW = 10.0


class Dropped:
    """Attempts to connect by the key of the ban, not yet written down. For one thread."""

    def __init__(self, *, label: Callable[[str], NetworkLabel], next_id: Callable[[], str]) -> None:
        self.label = label
        self._next_id = next_id
        self._counts: Counter[str] = Counter()
        self._causes: dict[str, str] = {}
        self._since = 0.0

    def add(self, counts: Mapping[str, int], causes: Mapping[str, str], now: float) -> None:
        """Take what was counted in one look, with the causes of the bans; ``now`` is seconds of a monotonic clock."""
        if not self._counts:
            self._since = now
        self._counts.update(counts)
        self._causes.update((key, causes[key]) for key in counts if key in causes)

    def due(self, now: float) -> bool:
        """Tell whether it is time to write down what is there."""
        return bool(self._counts) and now - self._since >= WINDOW

    def take(self, shared: Shared) -> list[Record]:
        """Return the records of all that is there, and begin anew."""
        counts, causes = self._counts, self._causes
        self._counts, self._causes = Counter(), {}
        return list(records_of(counts, causes, shared, label=self.label, next_id=self._next_id))
