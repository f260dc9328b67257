"""Groups: what many requests have in common, the heaviest first, each with its share and its addresses."""

from __future__ import annotations

from typing import NamedTuple

from shieldproxy.attribution.archive import Archive
from shieldproxy.attribution.rollups import DAY_MS, REACHED, summed
from shieldproxy.attribution.visits import Period, beside_sums, replace_table

# What can be asked of the clients in a table of visits.
OF_CLIENTS = {
    "clients": "client",
    "networks": "network_of(client)",
    "asns": "asn",
    "classes": "network_class",
    "countries": "country",
}
# What can be asked of the requests of these clients.
OF_REQUESTS = ("path", "query", "method", "host", "user_agent", "fingerprint", "ja4", "action", "stage")


class Group(NamedTuple):
    """One of them: ``share`` of all requests asked about (0 to 1), ``addresses`` are client keys (/32, /64).

    ``addresses`` is None where they were not counted; ``hosted`` is the share of requests from hosting and VPN
    networks.
    """

    key: str
    requests: int
    share: float
    addresses: int | None
    reached: int
    name: str = ""
    kind: str = ""
    hosted: float = 0.0


class Ranking(NamedTuple):
    """The heaviest groups, and how many there are in all."""

    groups: tuple[Group, ...]
    total: int


def rank_clients(archive: Archive, table: str, what: str, limit: int) -> Ranking:
    """Return the heaviest groups of the clients in ``table``; ``what`` is a key of OF_CLIENTS."""
    if what == "clients":  # each is a row already
        hosted = "CASE WHEN network_class IN ('hosting', 'vpn') THEN requests ELSE 0 END"
        return _ranked(
            archive,
            f"""SELECT client AS key, requests, 1 AS addresses, reached, network_class AS kind, asn, {hosted} AS hosted
            FROM {table}""",
            limit,
        )
    replace_table(
        archive,
        "grouped",
        f"""SELECT {OF_CLIENTS[what]} AS key, sum(requests) AS requests, count(*) AS addresses,
        sum(reached) AS reached, max(network_class) AS kind, max(asn) AS asn,
        sum(CASE WHEN network_class IN ('hosting', 'vpn') THEN requests ELSE 0 END) AS hosted
        FROM {table} GROUP BY 1""",
    )
    ranking = _ranked(archive, "SELECT * FROM grouped", limit)
    if what in {"classes", "countries"}:
        return ranking._replace(groups=tuple(group._replace(name="", kind="") for group in ranking.groups))
    if what == "asns":
        return ranking._replace(groups=tuple(g._replace(name=g.name.partition(" ")[2]) for g in ranking.groups))
    return ranking


def collect_requests(archive: Archive, period: Period, among: str) -> None:
    """Make the table ``asked``: the requests in ``period`` of the clients in the table ``among``, numbered there."""
    replace_table(
        archive,
        "asked",
        f"""SELECT {", ".join(OF_REQUESTS)}, number, weight, CASE WHEN {REACHED} THEN weight ELSE 0 END AS reached
        FROM records JOIN {among} AS known ON records.client = known.client
        WHERE ts >= {period.since} AND ts < {period.until}""",
    )


def rank_collected(archive: Archive, what: str, limit: int) -> Ranking:
    """Return the heaviest groups of the requests in the table ``asked``; ``what`` is one of OF_REQUESTS."""
    return _ranked(
        archive,
        f"""SELECT {what} AS key, sum(weight) AS requests, count(DISTINCT number) AS addresses,
        sum(reached) AS reached, '' AS kind, 0 AS asn, 0 AS hosted FROM asked GROUP BY 1""",
        limit,
    )


def rank_requests(archive: Archive, what: str, period: Period, limit: int) -> Ranking:
    """Return the heaviest groups of all requests in ``period``, without counting their addresses.

    ``what`` is one of rollups.ASKED.
    """
    days = period.within(DAY_MS)
    replace_table(
        archive,
        "grouped",
        f"""SELECT key, CAST(sum(requests) AS BIGINT) AS requests, -1 AS addresses,
        CAST(sum(reached) AS BIGINT) AS reached, '' AS kind, 0 AS asn, 0 AS hosted FROM (
            SELECT key, requests, reached FROM rolled_asked WHERE what = '{what}'
            AND day >= {days.since // DAY_MS} AND day < {days.until // DAY_MS}
            UNION ALL SELECT {what} AS key, sum(weight) AS requests, {summed(REACHED)} AS reached
            FROM {beside_sums(period, DAY_MS)} AS beside GROUP BY 1
        ) AS parts GROUP BY key""",
    )
    return _ranked(archive, "SELECT * FROM grouped", limit)


def _ranked(archive: Archive, groups: str, limit: int) -> Ranking:
    """Return the heaviest of the rows of ``groups``, a SELECT."""
    whole, kinds = archive.rows(f"SELECT coalesce(sum(requests), 0), count(*) FROM ({groups}) AS grouped")[0]
    rows = archive.rows(
        f"""SELECT CAST(key AS VARCHAR), requests, addresses, reached, kind, heaviest.asn, name, hosted FROM (
        SELECT * FROM ({groups}) AS grouped ORDER BY requests DESC, key LIMIT {limit}) AS heaviest
        LEFT JOIN networks ON heaviest.asn = networks.asn ORDER BY requests DESC, key"""
    )
    found = []
    for key, requests, addresses, reached, kind, asn, name, hosted in rows:
        share = int(requests) / int(whole) if whole else 0.0
        label = f"AS{asn} {name or ''}".strip() if asn else ""
        counted = int(addresses) if addresses >= 0 else None
        hosts = int(hosted) / int(requests) if requests else 0.0
        found.append(Group(key or "", int(requests), share, counted, int(reached), label, kind or "", hosts))
    return Ranking(tuple(found), int(kinds))
