"""Builds the bundled snapshot: `python -m shieldproxy.intel.build`. For builders; a running shield never comes here.

    npm pack @ip-location-db/asn && tar xzf ip-location-db-asn-*.tgz      # gives package/
    apt-get install tor-geoipdb                                           # gives /usr/share/tor/geoip and geoip6
    python -m shieldproxy.intel.build --asn package --lists LISTS

LISTS holds the lists of networks and robots in asn/ and goodbots/, named as in NETWORK_LISTS and ROBOT_LISTS below.
The same sources give the same bytes: dates come from the sources, never from the clock.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from mmdb_writer import MMDBWriter, SearchTreeLeaf, SearchTreeNode, TreeWriter
from netaddr import IPNetwork, IPSet

from shieldproxy.intel.prefixes import cover
from shieldproxy.intel.sources import Span, asn_spans, country_spans, listed_asns, merge, networks
from shieldproxy.intel.tables import SNAPSHOT, rows


class Source(NamedTuple):
    """Where a file of the snapshot comes from, as snapshot.json says it; a date is "" where the source has none."""

    source: str
    version: str
    date: str
    licence: str


class About(NamedTuple):
    """What a database says of itself."""

    database_type: str
    description: str
    built: datetime


class List(NamedTuple):
    """One published list: what it says, where it stands below LISTS, who made it."""

    name: str
    file: str
    source: str
    column: str = ""  # for the file of many robots: the name it uses


# The versions of the lists, as snapshot.json names them: change them together with the lists.
NETWORK_LISTS_VERSION = "cac788b, 167937a"
ROBOT_LISTS_VERSION = "dd20350, 14dd971"

# A later list overrules an earlier one: a VPN exit in a data centre is a VPN.
NETWORK_LISTS = (
    List("hosting", "asn/bad-asn-list.csv", "brianhama/bad-asn-list"),
    List("hosting", "asn/x4bnet_datacenter_ASN.txt", "X4BNet/lists_vpn datacenter"),
    List("vpn", "asn/x4bnet_vpn_ASN.txt", "X4BNet/lists_vpn vpn"),
)

_MANY = "goodbots/sefinek_all-crawlers-ips.csv"
_SEFINEK = "sefinek/known-bots-ip-whitelist"
_IPRANGES = "lord-alfred/ipranges"
# Left out on purpose: fetchers anybody can send to a site (Google's user-triggered ones, WebPageTest), all of Google's
# addresses (they include its cloud customers), Cloudflare (other people's traffic), iCloud Private Relay (people).
ROBOT_LISTS = (
    List("googlebot", _MANY, _SEFINEK, "GoogleBot"),
    List("google-special", _MANY, _SEFINEK, "Google Special Crawlers"),
    List("bingbot", _MANY, _SEFINEK, "BingBot"),
    List("duckduckbot", _MANY, _SEFINEK, "DuckDuckBot"),
    List("yandexbot", _MANY, _SEFINEK, "YandexBot"),
    List("applebot", _MANY, _SEFINEK, "Applebot"),
    List("kagibot", _MANY, _SEFINEK, "Kagi"),
    List("ahrefsbot", _MANY, _SEFINEK, "AhrefsBot"),
    List("semrushbot", _MANY, _SEFINEK, "Semrush"),
    List("facebook", "goodbots/facebook.ipv4_merged.txt", _IPRANGES),
    List("facebook", "goodbots/facebook.ipv6_merged.txt", _IPRANGES),
    List("openai", "goodbots/openai.ipv4_merged.txt", _IPRANGES),
    List("perplexity", "goodbots/perplexity.ipv4_merged.txt", _IPRANGES),
    List("pingdom", "goodbots/pingdom.ipv4_merged.txt", _IPRANGES),
    List("pingdom", "goodbots/pingdom.ipv6_merged.txt", _IPRANGES),
)


def main() -> None:
    """Reads the sources and writes every file of the snapshot and its manifest."""
    options = _options()
    out: Path = options.out
    entries = [_asn(options.asn, out), _country(options.country, out)]
    entries.append(_network_classes(options.lists, out))
    entries.append(_robots(options.lists, out))
    manifest = out / "snapshot.json"
    manifest.write_text(json.dumps(entries, indent=2) + "\n")
    for entry in entries:
        print(entry["file"], entry["rows"], "rows,", (out / str(entry["file"])).stat().st_size, "bytes")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m shieldproxy.intel.build", description="Builds the bundled snapshot."
    )
    parser.add_argument("--asn", type=Path, required=True, help="unpacked npm package @ip-location-db/asn")
    parser.add_argument(
        "--country", type=Path, default=Path("/usr/share/tor"), help="folder with geoip and geoip6 of tor-geoipdb"
    )
    parser.add_argument("--lists", type=Path, required=True, help="folder with asn/ and goodbots/")
    parser.add_argument("--out", type=Path, default=SNAPSHOT, help="the snapshot folder")
    return parser.parse_args()


def _asn(package: Path, out: Path) -> dict[str, object]:
    version: str = json.loads((package / "package.json").read_text())["version"]
    built = datetime.strptime(version.rsplit(".", 1)[1][:8], "%Y%m%d").replace(tzinfo=UTC)
    spans = {}
    for bits, name in ((32, "asn-ipv4-num.csv"), (128, "asn-ipv6.csv")):
        with (package / name).open(newline="", encoding="utf-8") as lines:
            spans[bits] = list(merge(asn_spans(lines)))
    write_database(
        out / "asn.mmdb",
        spans,
        lambda value: {"autonomous_system_number": int(value[0]), "autonomous_system_organization": value[1]},
        About(
            "shieldproxy-ASN", "RouteViews, DB-IP and NRO data by way of ip-location-db, CC BY 4.0; see NOTICE", built
        ),
    )
    source = Source("npm @ip-location-db/asn", version, f"{built:%Y-%m-%d}", "CC-BY-4.0")
    return _entry(out / "asn.mmdb", source, _size(spans))


def _country(folder: Path, out: Path) -> dict[str, object]:
    spans, dates = {}, []
    for bits, name in ((32, "geoip"), (128, "geoip6")):
        lines = (folder / name).read_text().splitlines()
        dates.append(_generated(lines))
        spans[bits] = list(merge(country_spans(lines)))
    built = min(dates)
    write_database(
        out / "country.mmdb",
        spans,
        lambda value: {"country": {"iso_code": value[0]}},
        About(
            "shieldproxy-Country", "IPFire Location data by way of Debian tor-geoipdb, CC BY-SA 4.0; see NOTICE", built
        ),
    )
    source = Source("Debian tor-geoipdb (IPFire Location)", f"{built:%Y%m%d}", f"{built:%Y-%m-%d}", "CC-BY-SA-4.0")
    return _entry(out / "country.mmdb", source, _size(spans))


def _generated(lines: list[str]) -> datetime:
    """The day the export was made, from its header: "# Generated: Thu, 25 Jun 2026 04:33:59 GMT"."""
    stamp = next(line.partition("Generated:")[2].strip() for line in lines if "Generated:" in line)
    return datetime.strptime(stamp, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)


def write_database(
    path: Path,
    spans: dict[int, list[Span]],
    record: Callable[[tuple[str, ...]], dict[str, object]],
    about: About,
) -> None:
    """Writes spans (merged, by address bits: 32 and 128) as one MaxMind DB for both IP versions."""
    networks_of: dict[tuple[str, ...], list[IPNetwork]] = defaultdict(list)
    for bits, ranges in spans.items():
        for span in ranges:
            for number, length in cover(span.first, span.last, bits):
                networks_of[span.value].append(IPNetwork((number, length), version=4 if bits == 32 else 6))
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True)
    for value in sorted(networks_of):
        writer.insert_network(IPSet(networks_of[value]), record(value))  # one leaf object for all networks of the value
    meta = {
        "ip_version": 6,
        "database_type": about.database_type,
        "languages": ["en"],
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "description": {"en": about.description},
        "build_epoch": int(about.built.timestamp()),
    }
    TreeWriter(shared(writer.tree), meta).write(str(path))


def shared(tree: SearchTreeNode) -> SearchTreeNode:
    """The same tree with equal subtrees stored once, as the format allows: the country file shrinks to two fifths."""
    known: dict[tuple[int, int], SearchTreeNode] = {}

    def share(node: SearchTreeNode | SearchTreeLeaf | None) -> SearchTreeNode | SearchTreeLeaf | None:
        if not isinstance(node, SearchTreeNode):
            return node
        node.left, node.right = share(node.left), share(node.right)
        # By identity: leaves of one value are one object already, and children are shared before their parents.
        return known.setdefault((id(node.left), id(node.right)), node)

    share(tree)
    return tree


def _network_classes(lists: Path, out: Path) -> dict[str, object]:
    found: dict[int, tuple[str, list[str]]] = {}
    for entry in NETWORK_LISTS:
        for asn in sorted(listed_asns((lists / entry.file).read_text().splitlines())):
            word, sources = found.get(asn, (entry.name, []))
            found[asn] = (entry.name, [*sources, entry.source] if word == entry.name else [entry.source])
    table = {asn: (word, " + ".join(sources)) for asn, (word, sources) in found.items()}
    # What was looked at by hand overrules every list, and an access network is never hosting.
    table.update(_by_hand("exceptions.csv", "other"))
    carriers = _by_hand("carriers.csv", "carrier")
    for asn in sorted(carriers.keys() & table.keys()):
        print(f"AS{asn} stays a carrier although {table[asn][1]} lists it")
    table.update(carriers)
    _write_table(
        out / "network_class.csv",
        'Kind of network by AS number: hosting, vpn or carrier; any other is "other". MIT, see NOTICE.',
        ("asn", "class", "source"),
        ((asn, *table[asn]) for asn in sorted(table)),
    )
    source = Source("brianhama/bad-asn-list, X4BNet/lists_vpn", NETWORK_LISTS_VERSION, "", "MIT")
    return _entry(out / "network_class.csv", source, len(table))


def _by_hand(name: str, word: str) -> dict[int, tuple[str, str]]:
    with (SNAPSHOT / name).open(encoding="utf-8") as lines:
        return {int(row["asn"]): (word, f"shieldproxy {name}") for row in rows(lines)}


def _robots(lists: Path, out: Path) -> dict[str, object]:
    texts: dict[tuple[str, str], list[str]] = defaultdict(list)
    for entry in ROBOT_LISTS:
        lines = (lists / entry.file).read_text().splitlines()
        if entry.column:
            lines = [row["IP"] for row in rows(lines) if row["Name"] == entry.column]
        texts[entry.name, entry.source] += lines
    table = [(str(network), robot, source) for (robot, source), lines in texts.items() for network in networks(lines)]
    _write_table(
        out / "crawlers.csv",
        "Networks that operators of robots publish as theirs. See NOTICE for sources and licences.",
        ("network", "robot", "source"),
        table,
    )
    source = Source(f"{_SEFINEK}, {_IPRANGES}", ROBOT_LISTS_VERSION, "", "MIT AND CC0-1.0")
    return _entry(out / "crawlers.csv", source, len(table))


def _write_table(path: Path, comment: str, heading: tuple[str, ...], table: Iterable[tuple[object, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as out:
        out.write(f"# {comment}\n")
        csv.writer(out, lineterminator="\n").writerows([heading, *table])


def _entry(path: Path, source: Source, count: int) -> dict[str, object]:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"name": path.stem, "file": path.name, **source._asdict(), "sha256": digest, "rows": count}


def _size(spans: dict[int, list[Span]]) -> int:
    return sum(len(ranges) for ranges in spans.values())


if __name__ == "__main__":
    main()
