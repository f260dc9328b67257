"""Bot share: how much of all requests came from programs, as a definition, two bounds and what is missing."""

from __future__ import annotations

from typing import NamedTuple

from shieldproxy.attribution.archive import Archive
from shieldproxy.attribution.rollups import audits
from shieldproxy.attribution.visits import Period

# Two-sided 95 % of the normal distribution.
Z = 1.959964

DEFINITION = (
    "Counted as bots: clients whose robot name their address confirms, and clients that were stopped and passed no "
    "challenge. Counted as people: clients that passed a challenge or held a clearance. Clients that nobody challenged "
    "may be either: the lower bound counts none of them as bots, the upper bound all."
)
MISSING = (
    "No random audit of unsuspected clients was made in this period, so nothing narrows the bounds; a client here is "
    "an address (/32, /64), and several people or programs may share one."
)

# Each client belongs to the first that fits; the words are those of reports.
KINDS = (
    ("verified", "robots that say who they are and whose address confirms it", "robot > 0"),
    ("passed", "passed a challenge, or held a clearance", "passed > 0 OR cleared > 0"),
    ("failed", "answered a challenge wrongly and passed none", "failed > 0"),
    ("unanswered", "were challenged and never answered", "challenged > 0"),
    ("turned_away", "were throttled, refused or dropped without a challenge", "refused > 0"),
    ("not_challenged", "were never challenged", "1 = 1"),
)
BOTS = ("verified", "failed", "unanswered", "turned_away")


class Kind(NamedTuple):
    """Clients of one kind: how many, and their requests."""

    name: str
    words: str
    clients: int
    requests: int


class Interval(NamedTuple):
    """A share between two bounds, 0 to 1."""

    low: float
    high: float


class Audit(NamedTuple):
    """What the random audit found: of ``views`` that nobody suspected, challenged by chance, so many were ``left``.

    ``share`` is of programs among such page views, with its Wilson interval of 95 %; ``requests`` what that makes of
    the share of bots among all requests.
    """

    views: int
    left: int
    share: float
    interval: Interval
    requests: Interval

    def words(self) -> str:
        """Return the finding in one sentence, with what it cannot tell."""
        return (
            f"Of page views that nobody suspected {self.views:,} were challenged by chance (the random audit) and "
            f"{self.left:,} not answered: {100 * self.share:.1f} % of such views came from programs "
            f"({100 * self.interval.low:.1f} to {100 * self.interval.high:.1f} %, 95 % interval), which makes "
            f"{100 * self.requests.low:.1f} to {100 * self.requests.high:.1f} % of all requests. People who leave at a "
            "challenge count as programs; only calm times are audited."
        )


class BotShare(NamedTuple):
    """The share of bots among requests: between ``requests.low`` and ``requests.high``, and what it is made of.

    ``challenged`` is the share that passed none among the clients that got a challenge, with its Wilson interval of
    95 %.
    """

    requests: Interval
    clients: Interval
    challenged: float | None
    challenged_interval: Interval
    kinds: tuple[Kind, ...]
    definition: str = DEFINITION
    missing: str = MISSING
    audit: Audit | None = None


# An answer to an audit comes within this time (milliseconds); the default validity of a puzzle is shorter.
ANSWER_TIME = 600_000


def measure_bots(archive: Archive, table: str = "visits", period: Period | None = None) -> BotShare:
    """Return the share of bots among the clients of a table of visits, and what the audit in ``period`` told."""
    cases = " ".join(f"WHEN {condition} THEN '{name}'" for name, _, condition in KINDS)
    rows = archive.rows(f"SELECT CASE {cases} END, count(*), sum(requests) FROM {table} GROUP BY 1")
    found = {name: (int(clients), int(requests)) for name, clients, requests in rows}
    kinds = tuple(Kind(name, words, *found.get(name, (0, 0))) for name, words, _ in KINDS)
    clients = {kind.name: kind.clients for kind in kinds}
    left = clients["failed"] + clients["unanswered"]
    asked = left + clients["passed"]
    requests = {kind.name: kind.requests for kind in kinds}
    share = BotShare(bounds(requests), bounds(clients), left / asked if asked else None, wilson(left, asked), kinds)
    audit = _audit(archive, period, requests) if period is not None else None
    return share if audit is None else share._replace(missing=audit.words(), audit=audit)


def _audit(archive: Archive, period: Period, requests: dict[str, int]) -> Audit | None:
    found = f"(SELECT * FROM rolled_audits UNION ALL {audits('fresh')}) AS found"
    asked = archive.rows(
        f"SELECT client, ts, weight FROM {found} WHERE ts >= {period.since} AND ts < {period.until} AND audited = 1"
    )
    passed = archive.rows(
        f"""SELECT client, ts FROM {found} WHERE ts >= {period.since} AND ts < {period.until + ANSWER_TIME}
        AND passed = 1 AND client IN (SELECT client FROM {found} WHERE audited = 1)"""
    )
    answers: dict[str, list[int]] = {}
    for client, ts in passed:
        answers.setdefault(client, []).append(ts)
    views = sum(int(weight) for _, _, weight in asked)
    answered = sum(
        int(weight)
        for client, ts, weight in asked
        if any(ts <= moment <= ts + ANSWER_TIME for moment in answers.get(client, ()))
    )
    if not views:
        return None
    left = views - answered
    interval = wilson(left, views)
    whole = sum(requests.values()) or 1
    certain, open_ = sum(requests[name] for name in BOTS), requests["not_challenged"]
    of_all = Interval((certain + interval.low * open_) / whole, (certain + interval.high * open_) / whole)
    return Audit(views, left, left / views, interval, of_all)


def bounds(counts: dict[str, int]) -> Interval:
    """Return the least and the greatest share of bots that these counts allow."""
    whole = sum(counts.values())
    if not whole:
        return Interval(0.0, 1.0)
    bots = sum(counts[name] for name in BOTS)
    return Interval(bots / whole, (bots + counts["not_challenged"]) / whole)


def wilson(successes: int, trials: int, z: float = Z) -> Interval:
    """Return the Wilson score interval of a proportion (E. B. Wilson, 1927); everything is possible without trials."""
    if trials <= 0:
        return Interval(0.0, 1.0)
    share = successes / trials
    scale = 1.0 + z * z / trials
    middle = (share + z * z / (2 * trials)) / scale
    reach = z / scale * (share * (1.0 - share) / trials + z * z / (4 * trials * trials)) ** 0.5
    low = max(0.0, middle - reach) if successes else 0.0
    return Interval(low, min(1.0, middle + reach) if successes < trials else 1.0)
