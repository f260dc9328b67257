"""Visits: all that one client did in a span of time as one row, and which clients an attack is made of."""

from __future__ import annotations

from typing import NamedTuple

from shieldproxy.attribution.archive import Archive

# A request that the site itself answered: let in, or only observed, and not one of our own challenge pages.
REACHED = "((action = 'admit' OR enforced = 0) AND challenge = '')"
# Stopped, so that it says something of the client: in mode observe nobody sees a challenge, so nobody can pass it.
STOPPED = "(action <> 'admit' AND (enforced = 1 OR action <> 'challenge'))"

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


def summed(condition: str) -> str:
    """Return the SQL for how many requests fulfil ``condition``."""
    return f"CAST(sum(CASE WHEN {condition} THEN weight ELSE 0 END) AS BIGINT)"


def replace_table(archive: Archive, name: str, select: str, parameters: tuple[object, ...] = ()) -> None:
    """Make the temporary table ``name`` of a question, in place of an earlier one."""
    archive.rows(f"DROP TABLE IF EXISTS {name}")
    archive.rows(f"CREATE TEMP TABLE {name} AS {select}", parameters)


# Nearly all requests are simply let in; what else may be told of a client is in the others.
PLAIN = "(action = 'admit' AND challenge = '' AND rule = '' AND stage <> 'exempt')"


def collect_visits(archive: Archive, period: Period, table: str = "visits") -> None:
    """Make the table ``visits`` of ``period``: one row for each client key.

    Counts are of requests; ``cleared`` and ``robot`` are 0 or 1. Where the databases came to say something else of a
    client, one of it counts for all. Two passes, as a wide sum over millions of clients does not fit in memory.
    """
    where = f"ts >= {period.since} AND ts < {period.until}"
    replace_table(
        archive,
        "told",
        f"""
        SELECT client,
            {summed(f"NOT {REACHED}")} AS unreached,
            {summed("action = 'challenge'")} AS challenged,
            {summed("action IN ('throttle', 'refuse', 'drop')")} AS refused,
            {summed("challenge = 'issued'")} AS issued,
            {summed("challenge = 'passed'")} AS passed,
            {summed("challenge NOT IN ('', 'issued', 'passed')")} AS failed,
            {summed(STOPPED)} AS stopped,
            max(CASE WHEN rule = 'clearance' OR stage = 'exempt' THEN 1 ELSE 0 END) AS cleared,
            max(CASE WHEN rule = 'crawler' THEN 1 ELSE 0 END) AS robot
        FROM records WHERE {where} AND NOT {PLAIN} GROUP BY client""",
    )
    sums = ", ".join(
        f"coalesce({name}, 0) AS {name}"
        for name in ("challenged", "refused", "issued", "passed", "failed", "stopped", "cleared", "robot")
    )
    replace_table(
        archive,
        table,
        f"""
        SELECT plain.*, requests - coalesce(unreached, 0) AS reached, {sums} FROM (
            SELECT client, max(asn) AS asn, max(country) AS country, max(network_class) AS network_class,
                CAST(sum(weight) AS BIGINT) AS requests FROM records WHERE {where} GROUP BY client
        ) AS plain LEFT JOIN told ON plain.client = told.client""",
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
    counts = archive.rows(
        f"""SELECT requests, count(*) FROM (SELECT client, sum(weight) AS requests FROM records
        WHERE ts >= {calm.since} AND ts < {calm.until} GROUP BY client) AS clients
        GROUP BY requests ORDER BY requests"""
    )
    below, most = USUAL_QUANTILE * sum(clients for _, clients in counts), 0
    for requests, clients in counts:
        below -= clients
        most = int(requests)
        if below <= 0:
            break
    return max(LEAST_REQUESTS, most + 1)
