"""Bot share: how much of all requests came from programs, as a definition, two bounds and what is missing."""

from __future__ import annotations

from typing import NamedTuple

from shieldproxy.attribution.archive import Archive

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


def measure_bots(archive: Archive, table: str = "visits") -> BotShare:
    """Return the share of bots among the clients of a table of visits."""
    cases = " ".join(f"WHEN {condition} THEN '{name}'" for name, _, condition in KINDS)
    rows = archive.rows(f"SELECT CASE {cases} END, count(*), sum(requests) FROM {table} GROUP BY 1")
    found = {name: (int(clients), int(requests)) for name, clients, requests in rows}
    kinds = tuple(Kind(name, words, *found.get(name, (0, 0))) for name, words, _ in KINDS)
    clients = {kind.name: kind.clients for kind in kinds}
    left = clients["failed"] + clients["unanswered"]
    asked = left + clients["passed"]
    return BotShare(
        bounds({kind.name: kind.requests for kind in kinds}),
        bounds(clients),
        left / asked if asked else None,
        wilson(left, asked),
        kinds,
    )


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
