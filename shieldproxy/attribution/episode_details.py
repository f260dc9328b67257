"""Details of an episode: who, from where, for what, what was done, what got through, how the origin fared."""

from __future__ import annotations

import math
from typing import NamedTuple

from shieldproxy.attribution.archive import Archive
from shieldproxy.attribution.detection import sharpen
from shieldproxy.attribution.groups import (
    OF_CLIENTS,
    OF_REQUESTS,
    Ranking,
    collect_requests,
    rank_clients,
    rank_collected,
    rank_requests,
)
from shieldproxy.attribution.origin_service import Fared, fared
from shieldproxy.attribution.visits import Period, Suspects, choose_attackers, collect_visits
from shieldproxy.core.episodes import Span
from shieldproxy.core.record import rfc3339
from shieldproxy.core.surges import Opinion, Traits, weigh

TOP = 20
MOST_DATABASES = 10
# The calm that an episode without verdicts is compared with.
CALM_MS = 86_400_000


class Totals(NamedTuple):
    """Sums over a table of visits; ``addresses`` are client keys: /32 of IPv4 and /64 of IPv6."""

    requests: int = 0
    reached: int = 0
    stopped: int = 0
    addresses: int = 0
    v4: int = 0
    v6: int = 0
    issued: int = 0
    passed: int = 0
    failed: int = 0
    hosted: int = 0


class Mistakes(NamedTuple):
    """Whom it hit by mistake, as far as that can be known.

    ``refused_people`` are clients that passed a challenge and were refused all the same, with ``refused_requests``;
    ``may_be_people`` left at a challenge after one or two requests: some of them may have been people.
    """

    refused_people: int
    refused_requests: int
    may_be_people: int


class Details(NamedTuple):
    """One episode. ``start`` and ``end`` are ts; ``all`` counts everybody in it, ``attack`` the attackers alone.

    ``who`` ranks the attackers (by the keys of groups.OF_CLIENTS), ``asked`` their requests (by groups.OF_REQUESTS).
    """

    id: str
    start: str
    end: str
    ongoing: bool
    seconds: float
    peak: float
    peak_at: str
    usual: float
    opinion: Opinion
    suspects: Suspects
    all: Totals
    attack: Totals
    mistakes: Mistakes
    who: dict[str, Ranking]
    asked: dict[str, Ranking]
    origin: Fared
    databases: tuple[str, ...]

    @property
    def period(self) -> tuple[str, str]:
        """Its first and last moment, as filters take them."""
        return self.start, self.end


def describe(archive: Archive, name: str, span: Span, limit: int = TOP) -> Details:
    """Return the details of the episode ``span``; leaves its tables ``visits`` and ``attackers`` behind."""
    rough = Period(int(span.start * 1000), int(span.end * 1000))
    calm = Period(rough.since - CALM_MS, rough.since)
    collect_visits(archive, rough)
    choose_attackers(archive, calm)
    period = sharpen(archive, span)
    collect_visits(archive, period)
    suspects = choose_attackers(archive, calm)
    attack = totals(archive, "attackers")
    whole = totals(archive, "visits")

    return Details(
        id=name,
        start=rfc3339(period.since / 1000),
        end=rfc3339(period.until / 1000),
        ongoing=span.ongoing,
        seconds=period.seconds,
        peak=span.peak,
        peak_at=rfc3339(span.peak_at),
        usual=span.usual,
        opinion=weigh(traits(archive, period, whole, attack)),
        suspects=suspects,
        all=whole,
        attack=attack,
        mistakes=mistakes(archive, suspects),
        who=rank_who(archive, "attackers", limit),
        asked=rank_asked(archive, period, limit),
        origin=fared(archive, period),
        databases=databases(archive, period),
    )


def rank_who(archive: Archive, table: str, limit: int) -> dict[str, Ranking]:
    """Return the heaviest clients, neighbourhoods, networks, classes and countries in a table of visits."""
    return {what: rank_clients(archive, table, what, limit) for what in OF_CLIENTS}


def rank_asked(archive: Archive, period: Period, limit: int) -> dict[str, Ranking]:
    """Return what the attackers asked for most, and how, and what was done."""
    collect_requests(archive, period, "attackers")
    return {what: rank_collected(archive, what, limit) for what in OF_REQUESTS}


def totals(archive: Archive, table: str) -> Totals:
    """Return the sums over a table of visits."""
    row = archive.rows(
        f"""SELECT sum(requests), sum(reached), sum(stopped), count(*),
        sum(CASE WHEN client LIKE '%:%' THEN 0 ELSE 1 END), sum(CASE WHEN client LIKE '%:%' THEN 1 ELSE 0 END),
        sum(issued), sum(passed), sum(failed),
        sum(CASE WHEN network_class IN ('hosting', 'vpn') THEN requests ELSE 0 END) FROM {table}"""
    )[0]
    return Totals(*(int(value or 0) for value in row))


def traits(archive: Archive, period: Period, whole: Totals, attack: Totals) -> Traits:
    """Return what tells a surge of people from an attack; of everybody in ``period``, as that is the question."""
    if not whole.requests:
        return Traits()
    return Traits(
        issued=whole.issued,
        passed=whole.passed,
        hosted=whole.hosted / whole.requests,
        per_address=attack.requests / attack.addresses if attack.addresses else whole.requests / whole.addresses,
        variety=variety(archive, period),
    )


def variety(archive: Archive, period: Period) -> float | None:
    """Return the entropy of the paths asked for, as a share of the most it could be; None when there are too few."""
    spread, total, kinds = archive.rows(
        f"""SELECT sum(n * ln(n)), sum(n), count(*) FROM (SELECT CAST(sum(weight) AS DOUBLE) AS n FROM records
        WHERE ts >= {period.since} AND ts < {period.until} GROUP BY path) AS paths"""
    )[0]
    if not total or total < 100:
        return None
    most = math.log(min(float(total), 1_000.0))  # beyond a thousand kinds it is all the same
    return min(1.0, max(0.0, (math.log(total) - spread / total) / most)) if kinds > 1 else 0.0


def mistakes(archive: Archive, suspects: Suspects) -> Mistakes:
    """Return who was hit by mistake, from the table ``visits``."""
    people, requests = archive.rows(
        """SELECT count(*), coalesce(sum(refused), 0) FROM visits
        WHERE refused > 0 AND (passed > 0 OR cleared > 0)"""
    )[0]
    return Mistakes(int(people), int(requests), suspects.few)


def databases(archive: Archive, period: Period) -> tuple[str, ...]:
    """Return the databases that named networks and countries in ``period``, as records name them."""
    found = rank_requests(archive, "geo", period, MOST_DATABASES)
    return tuple(group.key for group in found.groups if group.key)
