"""Counting journal records: requests by action, by client, by path, first and last, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

# Clients and paths of one question. Beyond it the lighter half is forgotten, so the heaviest stay right to within
# what a forgotten one had; a day of a large flood has a million clients.
MOST_KEYS = 200_000


class Heaviest:
    """Counts keys and keeps the heaviest; ``forgotten`` is how many lighter ones were let go."""

    def __init__(self, most: int = MOST_KEYS) -> None:
        self._most = most
        self._counts: Counter[str] = Counter()
        self.forgotten = 0

    def add(self, key: str, weight: int) -> None:
        """Count ``key``."""
        self._counts[key] += weight
        if len(self._counts) > self._most:
            kept = self._counts.most_common(self._most // 2)
            self.forgotten += len(self._counts) - len(kept)
            self._counts = Counter(dict(kept))

    def top(self, count: int) -> list[tuple[str, int]]:
        """Return the heaviest keys with their counts."""
        return sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))[:count]


class Counts:
    """What records add up to. A record stands for ``weight`` requests, so sums are exact under any sampling."""

    def __init__(self, most: int = MOST_KEYS) -> None:
        self.requests = 0
        self.actions: Counter[str] = Counter()
        self.clients = Heaviest(most)
        self.paths = Heaviest(most)
        self.countries: Counter[str] = Counter()
        self.first = ""
        self.last = ""
        self.as_name = ""

    def take(self, records: Iterable[Mapping[str, Any]]) -> Counts:
        """Count ``records`` and return these counts."""
        for record in records:
            self._add(record)
        return self

    def _add(self, record: Mapping[str, Any]) -> None:
        weight, ts = int(record.get("weight", 1)), str(record["ts"])
        self.requests += weight
        self.actions[str(record["action"])] += weight
        self.clients.add(str(record["client"]), weight)
        self.paths.add(str(record["path"]), weight)
        self.countries[str(record["country"])] += weight
        self.first = min(self.first or ts, ts)
        if ts >= self.last:
            self.last = ts
            self.as_name = str(record["as_name"]) or self.as_name

    def fields(self, count: int) -> dict[str, Any]:
        """Return the counts for programs, with the ``count`` heaviest of each kind."""
        return {
            "requests": self.requests,
            "actions": dict(self.actions),
            "first": self.first,
            "last": self.last,
            "clients": dict(self.clients.top(count)),
            "paths": dict(self.paths.top(count)),
            "countries": dict(self.countries.most_common(count)),
        }
