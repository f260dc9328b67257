"""Linking: what two episodes have in common, beside what chance alone would give them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shieldproxy.attribution.archive import Archive
from shieldproxy.attribution.groups import OF_CLIENTS
from shieldproxy.attribution.visits import replace_table

# What is compared, and how people call it in a sentence.
COMPARED = {
    "clients": "addresses",
    "networks": "neighbourhoods (/24, /48)",
    "asns": "networks (ASN)",
    "fingerprints": "fingerprints",
    "paths": "paths",
}
OF_TABLE = {what: OF_CLIENTS[what] for what in ("clients", "networks", "asns")}
OF_RECORDS = {"fingerprints": "fingerprint", "paths": "path"}
# So many earlier episodes are compared, the latest: more would be a table nobody reads.
MOST = 12


class Overlap(NamedTuple):
    """Of ``size`` things in this episode ``common`` took part in the earlier one.

    Of ``seen`` in the whole archive ``others`` took part in that, so by chance one would expect ``expected`` in common
    (the mean of the hypergeometric distribution).
    """

    what: str
    size: int
    common: int
    others: int
    seen: int

    @property
    def share(self) -> float:
        """How much of this episode's took part in the earlier one, 0 to 1."""
        return self.common / self.size if self.size else 0.0

    @property
    def expected(self) -> float:
        """How many would by chance: the mean of drawing ``size`` out of ``seen``, of which ``others`` are marked."""
        return self.size * self.others / self.seen if self.seen else 0.0

    @property
    def expected_share(self) -> float:
        """The same as a share, 0 to 1."""
        return self.others / self.seen if self.seen else 0.0

    @property
    def remarkable(self) -> bool:
        """Whether it is worth a sentence: clearly more than chance, and not of a handful of things."""
        deviation = (self.expected * (1.0 - self.expected_share)) ** 0.5
        return self.common >= 3 and self.common > self.expected + 5 * max(1.0, deviation)


class Link(NamedTuple):
    """What one episode shares with an earlier one."""

    id: str
    overlaps: tuple[Overlap, ...]

    def words(self) -> str:
        """Return the strongest overlap in plain words; that there is none, when there is none."""
        found = [overlap for overlap in self.overlaps if overlap.remarkable]
        if not found:
            return f"nothing in common with {self.id} beyond chance"
        first = found[0]
        return (
            f"{percent(first.share)} of its {COMPARED[first.what]} ({first.common:,} of {first.size:,}) took part in "
            f"{self.id}; by chance one would expect {percent(first.expected_share)}"
        )


def percent(share: float) -> str:
    """Return a share (0 to 1) as people read it; small ones keep their first digit."""
    value = 100 * share
    if value and value < 0.1:
        return f"{value:.1g} %" if value >= 0.001 else "less than 0.001 %"
    return f"{value:.0f} %" if value >= 10 or value == int(value) else f"{value:.1f} %"


def forget_members(archive: Archive) -> None:
    """Begin anew: nobody took part in anything."""
    for what in COMPARED:
        archive.rows(f"DROP TABLE IF EXISTS member_{what}")
        archive.rows(f"CREATE TEMP TABLE member_{what} (episode_id VARCHAR, key VARCHAR)")


def remember_members(archive: Archive, episode: str) -> None:
    """Note who took part in ``episode``: those in the table ``attackers``, and what they asked for in ``asked``."""
    for what, key in OF_TABLE.items():
        archive.rows(
            f"""INSERT INTO member_{what} SELECT DISTINCT '{episode}', CAST({key} AS VARCHAR) FROM attackers
            WHERE {key} <> {nothing(what)}"""
        )
    for what, key in OF_RECORDS.items():
        archive.rows(f"INSERT INTO member_{what} SELECT DISTINCT '{episode}', {key} FROM asked WHERE {key} <> ''")


def nothing(what: str) -> str:
    """Return what stands where nothing is known, in SQL."""
    return "0" if what == "asns" else "''"


def link(archive: Archive, episode: str, earlier: Sequence[str], seen: dict[str, int]) -> tuple[Link, ...]:
    """Return what ``episode`` shares with each of the ``earlier`` ones, all of them remembered.

    ``seen`` is what ``count_seen`` returned.
    """
    return tuple(
        Link(other, tuple(_overlap(archive, what, episode, other, seen[what]) for what in COMPARED))
        for other in earlier[-MOST:]
    )


def count_seen(archive: Archive) -> dict[str, int]:
    """Return how many different things of each kind the whole archive has: what chance draws from."""
    replace_table(
        archive,
        "seen_clients",
        """SELECT client, max(asn) AS asn FROM (
        SELECT client, asn FROM rolled_clients UNION ALL SELECT client, asn FROM fresh) AS parts GROUP BY client""",
    )
    clients, networks, asns = archive.rows(
        "SELECT count(*), count(DISTINCT network_of(client)), count(DISTINCT asn) FROM seen_clients"
    )[0]
    fingerprints, paths = (
        archive.rows(
            f"""SELECT count(DISTINCT key) FROM (SELECT key FROM rolled_asked WHERE what = '{what}'
            UNION ALL SELECT {what} AS key FROM fresh) AS parts"""
        )[0][0]
        for what in OF_RECORDS.values()
    )
    counts = (clients, networks, asns, fingerprints, paths)
    return dict(zip(COMPARED, (int(count) for count in counts), strict=True))


def _overlap(archive: Archive, what: str, episode: str, other: str, seen: int) -> Overlap:
    table = f"member_{what}"
    count, others, common = archive.rows(
        f"""SELECT (SELECT count(*) FROM {table} WHERE episode_id = '{episode}'),
        (SELECT count(*) FROM {table} WHERE episode_id = '{other}'),
        (SELECT count(*) FROM {table} AS one JOIN {table} AS two ON one.key = two.key
        WHERE one.episode_id = '{episode}' AND two.episode_id = '{other}')"""
    )[0]
    return Overlap(what, int(count), int(common), int(others), seen)
