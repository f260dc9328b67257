"""How the origin fared: what reached it, how long it took and how often it failed, before, during and after."""

from __future__ import annotations

from typing import NamedTuple

from shieldproxy.attribution.archive import Archive
from shieldproxy.attribution.rollups import REACHED, summed
from shieldproxy.attribution.visits import Period

# Bounds of answer times in microseconds, a third of an octave apart: quantiles are right to 26 %.
BOUNDS = tuple(int(1_000 * 2 ** (step / 3)) for step in range(60))
HOUR_MS, LEAST_MS = 3_600_000, 600_000


class Service(NamedTuple):
    """What the origin did in one span: seconds, requests that reached it, milliseconds, failures."""

    seconds: float
    requests: int
    mean_ms: float | None
    p95_ms: float | None
    errors: int

    @property
    def error_share(self) -> float | None:
        """How many of a request fail, 0 to 1; None without requests."""
        return self.errors / self.requests if self.requests else None


class Fared(NamedTuple):
    """Before, during and after an episode."""

    before: Service
    during: Service
    after: Service


def fared(archive: Archive, period: Period) -> Fared:
    """Return how the origin fared in ``period`` and beside it: as long as it lasted, ten minutes to an hour."""
    beside = min(HOUR_MS, max(LEAST_MS, period.until - period.since))
    return Fared(
        measure(archive, Period(period.since - beside, period.since)),
        measure(archive, period),
        measure(archive, Period(period.until, period.until + beside)),
    )


def measure(archive: Archive, period: Period) -> Service:
    """Return how the origin fared in ``period``. A failure is a 5xx of its own, or one that we made of its silence."""
    where = f"WHERE ts >= {period.since} AND ts < {period.until} AND {REACHED}"
    errors = "side = 'origin' OR (status >= 500 AND side = '')"
    requests, spent, failed = archive.rows(
        f"""SELECT coalesce(sum(weight), 0), coalesce(sum(weight * duration_us), 0), {summed(errors)}
        FROM records {where}"""
    )[0]
    if not requests:
        return Service(period.seconds, 0, None, None, 0)
    cases = " ".join(f"WHEN duration_us <= {bound} THEN {number}" for number, bound in enumerate(BOUNDS))
    counts = archive.rows(
        f"SELECT CASE {cases} ELSE {len(BOUNDS)} END, sum(weight) FROM records {where} GROUP BY 1 ORDER BY 1"
    )
    left, p95 = 0.95 * int(requests), 0.0
    for number, count in counts:
        left -= int(count)
        p95 = BOUNDS[min(number, len(BOUNDS) - 1)] / 1000
        if left <= 0:
            break
    return Service(period.seconds, int(requests), int(spent) / int(requests) / 1000, p95, int(failed))
