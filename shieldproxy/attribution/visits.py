"""Visits: all that one client did in a span of time as one row, and which clients an attack is made of."""

from __future__ import annotations

from typing import NamedTuple

from shieldproxy.attribution.archive import Archive
from shieldproxy.attribution.rollups import DAY_MS, OF_CLIENT, TOGETHER, listed

# Of this share of all requests on something must have been stopped for verdicts to tell who attacked.
JUDGED = 0.01
# Where nothing was judged (an imported log): at least so many requests in an episode, and more than nearly all others.
LEAST_REQUESTS = 10
USUAL_QUANTILE = 0.99


class Period(NamedTuple):
    """A span of time, milliseconds since 1970; ``until`` is not in it."""

    since: int
    until: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return (self.until - self.since) / 1000

    def within(self, unit: int) -> Period:
        """Return what of it is whole units of ``unit`` milliseconds since 1970; nothing, at its beginning, if none."""
        since, until = -(-self.since // unit) * unit, self.until // unit * unit
        return Period(since, until) if since < until else Period(self.since, self.since)


def beside_sums(period: Period, unit: int) -> str:
    """Return the records in ``period`` that are in no sum over whole units of it, in a FROM."""
    inner = period.within(unit)
    edges = [
        f"(ts >= {since} AND ts < {until})"
        for since, until in ((period.since, inner.since), (inner.until, period.until))
        if since < until
    ]
    return f"""(SELECT * FROM fresh WHERE ts >= {period.since} AND ts < {period.until}
        UNION ALL SELECT * FROM kept WHERE {" OR ".join(edges) or "1 = 0"})"""


def replace_table(archive: Archive, name: str, select: str, parameters: tuple[object, ...] = ()) -> None:
    """Make the temporary table ``name`` of a question, in place of an earlier one."""
    archive.rows(f"DROP TABLE IF EXISTS {name}")
    archive.rows(f"CREATE TEMP TABLE {name} AS {select}", parameters)


def collect_visits(archive: Archive, period: Period, table: str = "visits") -> None:
    """Make the table ``visits`` of ``period``: one row for each client key.

    Counts are of requests; ``cleared`` and ``robot`` are 0 or 1. Where the databases came to say something else of a
    client, one of it counts for all.
    """
    days = period.within(DAY_MS)
    replace_table(
        archive,
        table,
        f"""
        SELECT client, {listed(TOGETHER)} FROM (
            SELECT client, {", ".join(OF_CLIENT)} FROM rolled_clients
            WHERE day >= {days.since // DAY_MS} AND day < {days.until // DAY_MS}
            UNION ALL
            SELECT client, {listed(OF_CLIENT)} FROM {beside_sums(period, DAY_MS)} AS beside GROUP BY client
        ) AS parts GROUP BY client""",
    )


class Suspects(NamedTuple):
    """How the attackers of an episode were told from others, in words, and how many may be people who went away."""

    words: str
    judged: bool
    few: int = 0


def choose_attackers(archive: Archive, calm: Period) -> Suspects:
    """Make the table ``attackers`` of ``visits``: those who were stopped and never answered.

    Where hardly anything was stopped (a log of another server) it is those who asked more often than 99 of 100 clients
    did in ``calm``, the time before.
    """
    numbered = "SELECT row_number() OVER () AS number, visits.* FROM visits"
    (total, stopped) = archive.rows("SELECT coalesce(sum(requests), 0), coalesce(sum(stopped), 0) FROM visits")[0]
    if stopped and stopped >= JUDGED * total:
        replace_table(
            archive,
            "attackers",
            f"{numbered} WHERE stopped > 0 AND passed = 0 AND cleared = 0 AND robot = 0",
        )
        (few,) = archive.rows("SELECT count(*) FROM attackers WHERE requests < 3")[0]
        return Suspects("clients that were stopped at least once and never passed a challenge", judged=True, few=few)
    least = _usual_most(archive, calm)
    replace_table(archive, "attackers", f"{numbered} WHERE requests >= {least} AND robot = 0")
    words = f"clients with {least:,} requests or more, as these records hold no verdicts"
    return Suspects(words, judged=False)


def _usual_most(archive: Archive, calm: Period) -> int:
    """Return more requests than nearly any client made in ``calm``."""
    collect_visits(archive, calm, "usual")
    counts = archive.rows("SELECT requests, count(*) FROM usual GROUP BY requests ORDER BY requests")
    below, most = USUAL_QUANTILE * sum(clients for _, clients in counts), 0
    for requests, clients in counts:
        below -= clients
        most = int(requests)
        if below <= 0:
            break
    return max(LEAST_REQUESTS, most + 1)
