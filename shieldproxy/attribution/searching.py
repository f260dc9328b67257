"""Searching: which segments hold what a filter asks for, so that the others need not be read.

The index answers for more than was asked where it does not know enough (reasons, globs): the segments remain the truth,
and whoever reads them asks the filter again. What is in no file of the index is read as ever.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import NamedTuple

from shieldproxy.attribution.catalogue import Entry
from shieldproxy.attribution.columns import quoted
from shieldproxy.attribution.engine import available, connect
from shieldproxy.attribution.index import Index
from shieldproxy.core.addresses import Network, client_key
from shieldproxy.journal.filters import Filter

NOTE = (
    "the extra shieldproxy[analysis] (DuckDB, 69 MB) would find this without reading all segments of the time asked for"
)


class Conditions(NamedTuple):
    """What a record must be, in SQL: ``columns`` in any case, and one of ``clients`` and ``networks`` each, if any.

    Of the clients only the column differs in each condition, so that each is answered from the sorted column.
    """

    columns: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]


def passed_over(index: Index, wanted: Filter) -> frozenset[str]:
    """Return the segments, as catalogue.stem names them, that hold nothing that is ``wanted``.

    Nothing without DuckDB, without an index, or when only a span of time is asked for: its segments are named by it.
    """
    found = conditions(wanted)
    if not (found.columns or found.groups) or not available():
        return frozenset()
    entries = index.entries(wanted.since, wanted.until)
    if not entries:
        return frozenset()
    held = _held(index.folder, entries, found)
    return frozenset(
        name
        for place, entry in enumerate(entries)
        for number, name in enumerate(entry.segments)
        if (place, number) not in held
    )


def _held(folder: Path, entries: list[Entry], wanted: Conditions) -> set[tuple[int, int]]:
    """Return the segments that hold something, as (number of the entry, number of the segment in it)."""
    places = {str(folder / entry.file): number for number, entry in enumerate(entries)}
    files = ", ".join(quoted(Path(file)) for file in places)
    common = " AND ".join(wanted.columns) or "true"
    answers: list[set[tuple[int, int]]] = []
    with connect() as connection:
        for group in wanted.groups or (("true",),):
            parts = [
                f"SELECT DISTINCT filename, segment FROM read_parquet([{files}], filename = true) "
                f"WHERE ({condition}) AND {common}"
                for condition in group
            ]
            rows = connection.execute(" UNION ".join(parts)).fetchall()
            answers.append({(places[file], int(segment)) for file, segment in rows})
    return set.intersection(*answers)


def conditions(wanted: Filter) -> Conditions:
    """Return ``wanted`` as far as the index knows it: every record that is wanted fulfils it."""
    columns = [
        f"{column} IN ({', '.join(literal(value) for value in sorted(values))})"
        for column, values in (
            ("action", wanted.actions),
            ("network_class", wanted.classes),
            ("country", wanted.countries),
            ("episode", wanted.episodes),
        )
        if values and all(value.isprintable() for value in values)
    ]
    if wanted.asns:
        columns.append(f"asn IN ({', '.join(str(asn) for asn in sorted(wanted.asns))})")
    columns += [
        f"({' OR '.join(beginning(column, glob) for glob in globs)})"
        for column, globs in (("path", wanted.paths),)
        if globs
    ]
    groups = [
        tuple(f"{column} {test}" for network in networks for column, test in within(network))
        for networks in (wanted.clients, wanted.networks)
        if networks and all(within(network) for network in networks)
    ]
    return Conditions(tuple(columns), tuple(groups))


def within(network: Network) -> list[tuple[str, str]]:
    """Return the tests, one for each column, one of which holds for what lies in ``network``; none when all may.

    Addresses are text there: of a network the groups that all its addresses begin with are asked for.
    """
    if network.version == 4:
        if network.prefixlen == 32:
            return [("client", f"= '{network.network_address}'"), ("address", f"= '{network.network_address}'")]
        groups = str(network.network_address).split(".")[: network.prefixlen // 8]
        start = "".join(f"{group}." for group in groups)
    else:
        if network.prefixlen == 64:
            key = client_key(network.network_address)
            return [("client", f"= '{key}'"), *_beginning(_groups(network))]
        start = _groups(network)
    return [("client", f"LIKE '{start}%'"), *_beginning(start)] if start else []


def _beginning(start: str) -> list[tuple[str, str]]:
    return [("address", f"LIKE '{start}%'")] if start else [("address", "IS NOT NULL")]


def _groups(network: Network) -> str:
    """Return the groups of an IPv6 network up to the first zero, which may be written in more than one way."""
    assert isinstance(network, ipaddress.IPv6Network)
    found = []
    for group in network.network_address.exploded.split(":")[: network.prefixlen // 16]:
        if int(group, 16) == 0:
            break
        found.append(f"{int(group, 16):x}:")
    return "".join(found)


def beginning(column: str, glob: str) -> str:
    """Return the SQL for what begins as ``glob`` does before its first wildcard."""
    start = re.split(r"[*?\[]", glob, maxsplit=1)[0]
    if not start or not start.isprintable():  # what SQL may not carry is left to the filter
        return "true"
    return f"{column} = {literal(start)}" if start == glob else f"starts_with({column}, {literal(start)})"


def literal(text: str) -> str:
    """Return printable ``text`` as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
