"""Seasons: how much is usual at an hour of the week, for the site, its paths, countries and networks. Pure.

A key is a word and a name: ``site``, ``path /news/``, ``country CH``, ``asn 64500``. Of those that ask most, the count
of each hour of the week (UTC) is kept; of all others only how much they ask in all, in a sketch of fixed size that
never says too little (count-min: Cormode and Muthukrishnan, 2005), spread over the week as the site's requests are.
"""

from __future__ import annotations

from array import array
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HOURS = 168
HOUR = 3_600.0
# 1970 began on a Thursday; hour 0 is the first of a Monday.
FIRST_HOUR = 72
SITE = "site"
# Keys that are kept, each with 168 numbers of four bytes: 3 MiB.
MOST = 4_096
ROWS, WIDTH = 4, 4_096
# An hour of the week that was seen for longer than this is halved: a season is that of about the last two months.
MEMORY = 8 * HOUR
# Less than this of an hour of the week says nothing yet, in seconds.
LEAST = 900.0
# Counts of so many keys wait for the end of a minute.
PENDING = 16_384
FOLD = 60.0


class Kept(NamedTuple):
    """What is kept over restarts: seconds seen of each hour of the week, counts of each key, and the sketch."""

    seconds: tuple[float, ...]
    counts: dict[str, array[float]]
    sketch: tuple[array[float], ...]


class Seasons:
    """Learns and tells. ``kept`` is what was learned before."""

    def __init__(self, kept: Kept | None = None, *, most: int = MOST) -> None:
        self._most = most
        self._seconds = list(kept.seconds) if kept is not None else [0.0] * HOURS
        self._lived = sum(self._seconds)
        self._counts = dict(kept.counts) if kept is not None else {}
        self._sums = {key: sum(counts) for key, counts in self._counts.items()}
        self._sketch = kept.sketch if kept is not None else tuple(array("d", bytes(8 * WIDTH)) for _ in range(ROWS))
        self._pending: dict[str, float] = {}
        self._waited = 0.0
        self._hour = 0
        self.overflow = 0

    def learn(self, counts: Mapping[str, float], moment: float, seconds: float = 1.0) -> None:
        """Learn what was asked in the last ``seconds``, all of one hour, of which ``moment`` (unix seconds) is in."""
        hour = hour_of_week(moment)
        if hour != self._hour or self._waited + seconds > FOLD:
            self.fold()
            self._hour = hour
        self._waited += seconds
        for key, count in counts.items():
            if key in self._pending or len(self._pending) < PENDING:
                self._pending[key] = self._pending.get(key, 0.0) + count
            else:
                self.overflow += 1

    def fold(self) -> None:
        """Take what waits into account."""
        pending, self._pending = self._pending, {}
        hour = self._hour
        self._seconds[hour] += self._waited
        self._lived += self._waited
        self._waited = 0.0
        for key, count in sorted(pending.items(), key=lambda item: -item[1]):
            known = self._counts.get(key)
            if known is None:
                known = self._begin(key, count)
            if known is not None:
                known[hour] += count
                self._sums[key] += count
        if self._seconds[hour] > MEMORY:
            self._halve(hour)

    def usual(self, key: str, moment: float) -> float:
        """Return the usual rate of ``key`` a second at the hour of ``moment``; 0 for what was never seen."""
        hour = hour_of_week(moment)
        lived = self._lived
        if lived <= 0.0:
            return 0.0
        counts = self._counts.get(key)
        if counts is not None and self._seconds[hour] >= LEAST:
            return counts[hour] / self._seconds[hour]
        total = self._sums[key] if counts is not None else self._estimate(key)
        return total / lived * (self._factor(hour, lived) if key != SITE else 1.0)

    def heaviest(self, word: str) -> list[tuple[str, float]]:
        """Return the kept keys that begin with ``word`` and their mean rates a second, the greatest first."""
        lived = self._lived or 1.0
        found = [(key, total / lived) for key, total in self._sums.items() if key.partition(" ")[0] == word]
        return sorted(found, key=lambda row: (-row[1], row[0]))

    @property
    def lived(self) -> float:
        """Seconds that were looked at and are not forgotten."""
        return self._lived + self._waited

    def kept(self) -> Kept:
        """Return what is worth keeping."""
        self.fold()
        return Kept(tuple(self._seconds), dict(self._counts), self._sketch)

    def _factor(self, hour: int, lived: float) -> float:
        """Return how much more than in the mean the site is asked in an hour of the week."""
        site, seconds = self._counts.get(SITE), self._seconds[hour]
        if site is None or seconds < LEAST or self._sums[SITE] <= 0.0:
            return 1.0
        return site[hour] / seconds / (self._sums[SITE] / lived)

    def _begin(self, key: str, count: float) -> array[float] | None:
        """Return counts for a new key; None when those that are kept ask more: then the sketch has it."""
        before = self._estimate(key)
        if len(self._counts) >= self._most:
            least = min(self._sums, key=self._sums.__getitem__)
            if self._sums[least] >= before + count or least == SITE:
                self._add(key, count)
                return None
            self._add(least, self._sums.pop(least))
            del self._counts[least]
        lived = self._lived or 1.0
        fresh = self._counts[key] = array("f", [before * seconds / lived for seconds in self._seconds])
        self._sums[key] = before
        return fresh

    def _halve(self, hour: int) -> None:
        """Let half of an hour of the week be forgotten, of keys and, in its share, of the sketch."""
        lived = self._lived
        self._seconds[hour] /= 2
        self._lived = sum(self._seconds)
        left = self._lived / lived
        for key, counts in self._counts.items():
            counts[hour] /= 2
            self._sums[key] -= counts[hour]
        for row in self._sketch:
            for place, value in enumerate(row):
                if value:
                    row[place] = value * left

    def _add(self, key: str, count: float) -> None:
        for row, place in self._cells(key):
            row[place] += count

    def _estimate(self, key: str) -> float:
        return min(row[place] for row, place in self._cells(key))

    def _cells(self, key: str) -> Iterator[tuple[array[float], int]]:
        digest = blake2b(key.encode(), digest_size=4 * ROWS).digest()
        for number, row in enumerate(self._sketch):
            yield row, int.from_bytes(digest[4 * number : 4 * number + 4], "little") % WIDTH


def hour_of_week(moment: float) -> int:
    """Return the hour of the week of unix seconds, from 0 (Monday, midnight UTC) to 167."""
    return (int(moment // HOUR) + FIRST_HOUR) % HOURS
