"""Sections: the content of a report in the order in which people read it, for whatever draws it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from shieldproxy.attribution.linking import COMPARED, percent
from shieldproxy.attribution.report import wording
from shieldproxy.attribution.report.wording import Content, number


class Table(NamedTuple):
    """A table: columns (title, whether they hold numbers), rows, and the share (0 to 1) each row is drawn with."""

    caption: str
    columns: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[str, ...], ...]
    shares: tuple[float, ...] = ()
    more: int = 0


class Section(NamedTuple):
    """A title, sentences, tables; ``timeline`` when the course of requests is drawn here."""

    title: str
    sentences: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    timeline: bool = False


def sections(content: Content) -> list[Section]:
    """Return the sections of a report."""
    found = [Section(content["title"], tuple(wording.headline(content)), timeline=True)]
    if not content["site"]["requests"]:
        return found
    found += [_episodes(content)]
    found += [_episode(episode) for episode in content["episodes"]]
    found += [_bots(content), _stopped(content), _countries(content), _networks(content), _asked(content)]
    return [*found, _method(content)]


def _episodes(content: Content) -> Section:
    rows = tuple(
        (
            episode["id"],
            wording.moment(episode["start"]),
            wording.lasting(episode["seconds"]),
            episode["opinion"]["word"],
            number(episode["attack"]["requests"]),
            number(episode["attack"]["addresses"]),
            number(episode["peak"]),
        )
        for episode in content["episodes"]
    )
    columns = (
        *(("episode", False), ("began (UTC)", False), ("lasted", False), ("what it was", False)),
        *(("requests", True), ("addresses", True), ("peak /s", True)),
    )
    sentence = f"Counted by these parameters: {content['parameters']}."
    return Section("Episodes", (sentence,), (Table("Episodes", columns, rows),) if rows else ())


def _episode(episode: Mapping[str, Any]) -> Section:
    who, asked = episode["who"], episode["asked"]
    tables = [
        ranked("Networks (ASN) of the attackers", who["asns"], "network", asn=True),
        ranked("Neighbourhoods (/24, /48)", who["networks"], "neighbourhood"),
        ranked("Addresses", who["clients"], "address", counted=False),
        ranked("Classes of networks", who["classes"], "class"),
        ranked("Countries of the addresses", who["countries"], "country", hosted=True),
        ranked("What they asked for", asked["path"], "path"),
        ranked("Parameters", asked["query"], "query"),
        ranked("Fingerprints (order of header names)", asked["fingerprint"], "fingerprint"),
        ranked("TLS fingerprints (JA4)", asked["ja4"], "JA4"),
        ranked("Programs they claim to be", asked["user_agent"], "user agent"),
        ranked("What was done", asked["action"], "action"),
    ]
    tables = [table for table in tables if table.rows and table.rows != (("-", *table.rows[0][1:]),)]
    if episode.get("links"):
        tables.append(_links(episode["links"]))
    return Section(f"Episode {episode['id']}", tuple(wording.story(episode)), tuple(tables))


def _links(links: list[Mapping[str, Any]]) -> Table:
    rows = tuple(
        (
            link["id"],
            COMPARED[overlap["what"]],
            f"{number(overlap['common'])} of {number(overlap['size'])}",
            percent(overlap["common"] / overlap["size"]) if overlap["size"] else "-",
            percent(overlap["others"] / overlap["seen"]) if overlap["seen"] else "-",
        )
        for link in links
        for overlap in link["overlaps"]
    )
    columns = (("earlier episode", False), ("what", False), ("in common", True), ("share", True), ("by chance", True))
    return Table("In common with earlier episodes", columns, rows)


def _bots(content: Content) -> Section:
    bots = content["bots"]
    whole = max(1, sum(kind["requests"] for kind in bots["kinds"]))
    rows = tuple((kind["words"], number(kind["clients"]), number(kind["requests"])) for kind in bots["kinds"])
    shares = tuple(kind["requests"] / whole for kind in bots["kinds"])
    low, high = bots["requests"]["low"], bots["requests"]["high"]
    sentences = [f"Between {percent(low)} and {percent(high)} of all requests came from bots."]
    if bots["challenged"] is not None:
        interval = bots["challenged_interval"]
        sentences.append(
            f"Of the clients that got a challenge {percent(bots['challenged'])} passed none "
            f"(95 % interval {percent(interval['low'])} to {percent(interval['high'])}, Wilson)."
        )
    columns = (("clients that", False), ("clients", True), ("requests", True))
    table = Table("Who asked", columns, rows, shares)
    return Section("Share of bots", (*sentences, bots["definition"], bots["missing"]), (table,))


def _stopped(content: Content) -> Section:
    sums, who = content["stopped"]["sums"], content["stopped"]["who"]
    sentences = [
        (
            f"{number(sums['addresses'])} clients made {number(sums['requests'])} requests, of which "
            f"{number(sums['reached'])} reached the site. Counted are {content['suspects']['words']}."
        ),
        *wording.mistaken(content["mistakes"]),
    ]
    tables = (
        ranked("Their networks (ASN)", who["asns"], "network", asn=True),
        ranked("Their neighbourhoods (/24, /48)", who["networks"], "neighbourhood"),
        ranked("Their addresses", who["clients"], "address", counted=False),
        ranked("What was done with all requests", content["asked"]["action"], "action"),
    )
    return Section("What was stopped, and what got through", tuple(sentences), tables)


def _countries(content: Content) -> Section:
    table = ranked("Countries of all addresses", content["who"]["countries"], "country", hosted=True)
    return Section("Countries", (wording.countries(content),), (table,))


def _networks(content: Content) -> Section:
    who = content["who"]
    tables = (
        ranked("Classes", who["classes"], "class"),
        ranked("Networks (ASN)", who["asns"], "network", asn=True),
        ranked("Neighbourhoods (/24, /48)", who["networks"], "neighbourhood"),
        ranked("Addresses", who["clients"], "address", counted=False),
    )
    return Section("Networks of all requests", (), tables)


def _asked(content: Content) -> Section:
    asked = content["asked"]
    tables = (
        ranked("Paths", asked["path"], "path"),
        ranked("Sites", asked["host"], "host"),
        ranked("Fingerprints (order of header names)", asked["fingerprint"], "fingerprint"),
        ranked("Programs they claim to be", asked["user_agent"], "user agent"),
    )
    return Section("What was asked for", (), tables)


def _method(content: Content) -> Section:
    sources = ", ".join(content["databases"]) or "no database"
    sentences = (
        wording.EGRESS,
        wording.HANDSHAKE,
        wording.CLIENTS,
        f"Networks and countries are what these databases said when each request came: {sources}.",
        f"Records of {', '.join(content['nodes'])} from {content['since']} until {content['until']} (not in it); "
        f"made {content['made']} by shieldproxy {content['version']}. {content['note']}".strip(),
    )
    return Section("How to read this", sentences)


def ranked(  # noqa: PLR0913 - each says what a table shows, by name
    caption: str,
    ranking: Mapping[str, Any],
    title: str,
    *,
    asn: bool = False,
    hosted: bool = False,
    counted: bool = True,
) -> Table:
    """Return the table of a ranking; ``asn`` writes keys as AS numbers, ``hosted`` adds that share."""
    groups = ranking["groups"]
    with_addresses = counted and any(group["addresses"] is not None for group in groups)
    columns: tuple[tuple[str, bool], ...] = ((title, False), ("requests", True), ("share", True))
    columns += (("addresses", True),) if with_addresses else ()
    columns += (("reached site", True),)
    columns += (("hosting or VPN", True),) if hosted else ()
    rows = []
    for group in groups:
        row = [_label(group, asn=asn), number(group["requests"]), percent(group["share"])]
        row += [number(group["addresses"])] if with_addresses else []
        row += [number(group["reached"])]
        row += [percent(group["hosted"])] if hosted else []
        rows.append(tuple(row))
    shares = tuple(group["share"] for group in groups)
    return Table(caption, columns, tuple(rows), shares, max(0, ranking["total"] - len(groups)))


def _label(group: Mapping[str, Any], *, asn: bool) -> str:
    key = group["key"] or "-"
    if asn:
        key = f"AS{key}" if key != "0" else "unknown network"
    kind = f" ({group['kind']})" if group["kind"] and group["kind"] != "other" else ""
    return f"{key} {group['name']}".strip() + kind
