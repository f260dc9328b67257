"""``shieldproxy who`` and ``shieldproxy asn``: all that is known of an address, a network, an autonomous system."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from shieldproxy.cli.client import DeclinedError, UnreachableError, segment
from shieldproxy.cli.counting import Counts
from shieldproxy.cli.geo import databases_of
from shieldproxy.cli.options import config_option, format_option, settings_of
from shieldproxy.cli.output import Column, Listing
from shieldproxy.cli.portrait import asn_portrait, key_portrait
from shieldproxy.cli.reach import client_of
from shieldproxy.cli.searching import reader_for, say_what_is_missing
from shieldproxy.core.printing import printable
from shieldproxy.core.record import rfc3339
from shieldproxy.intel.lookup import describe
from shieldproxy.intel.networks import Networks
from shieldproxy.intel.robot_ranges import RobotRanges
from shieldproxy.intel.shapes import asn_of
from shieldproxy.intel.tables import read_classes
from shieldproxy.journal.filters import Filter, parse_asn, parse_client
from shieldproxy.journal.moments import parse_moment
from shieldproxy.settings.schema import Settings

HEAVIEST = 10

RECORD_COLUMNS = (
    Column("time (UTC)", lambda row: row["ts"][5:19].replace("T", " ")),
    Column("action", "action"),
    Column("status", "status", right=True),
    Column("client", "client", least=15),
    Column("request", lambda row: f"{row['method']} {row['host']}{row['path']}", least=20),
    Column("stage", "stage", least=8),
    Column("id", "id"),
)

since_option = click.option(
    "--since", default="24h", show_default=True, metavar="TIME", help="From when on the journal is read."
)


@click.command(short_help="All that is known of an address or a network.")
@click.argument("key")
@since_option
@click.option("--limit", type=click.IntRange(0, 1_000), default=10, show_default=True, help="How many last records.")
@format_option
@config_option
def who(key: str, since: str, limit: int, form: str, config: Path | None) -> None:
    """Tell what is known of KEY, an address or a network: whose it is, whether the node bans it, what it asked for."""
    settings = settings_of(config)
    wanted = _wanted(key, since)
    found: dict[str, Any] = {"key": key} | _described(key, settings)
    found["standing"] = _standing(key, settings)
    began = time.monotonic()
    reader = reader_for(settings.journal.directory, wanted)
    found["journal"] = {"since": wanted.since} | Counts().take(reader.scan(wanted)).fields(HEAVIEST)
    found["records"] = list(itertools.islice(reader.records(wanted, newest=True), limit))[::-1]
    say_what_is_missing(wanted, began)
    _write(found, form, key_portrait(found))


@click.command(short_help="All that is known of an autonomous system.")
@click.argument("number")
@since_option
@format_option
@config_option
def asn(number: str, since: str, form: str, config: Path | None) -> None:
    """Tell what is known of the autonomous system NUMBER (64500 or AS64500): whose it is, what came from it."""
    settings = settings_of(config)
    try:
        wanted = Filter(since=_since(since), asns=frozenset({parse_asn(number)}))
    except ValueError as fault:
        raise click.BadParameter(str(fault), param_hint="NUMBER") from None
    (value,) = wanted.asns
    began = time.monotonic()
    counts = Counts().take(reader_for(settings.journal.directory, wanted).scan(wanted))
    say_what_is_missing(wanted, began)
    database = databases_of(settings).current.asn
    found: dict[str, Any] = {
        "asn": value,
        "name": counts.as_name or (name_of(value, database.reader) if database is not None else ""),
        "network_class": read_classes().get(value, "other"),
        "journal": {"since": wanted.since} | counts.fields(HEAVIEST),
    }
    _write(found, form, asn_portrait(found))


def _wanted(key: str, since: str) -> Filter:
    try:
        return Filter(since=_since(since), clients=parse_client(key))
    except ValueError as fault:
        raise click.BadParameter(str(fault), param_hint="KEY") from None


def _since(text: str) -> str:
    try:
        return rfc3339(parse_moment(text, time.time()))
    except ValueError as fault:
        raise click.BadParameter(str(fault), param_hint="--since") from None


def _described(key: str, settings: Settings) -> dict[str, Any]:
    """Return what the databases say of an address; of a network, what they say of its first address."""
    databases = databases_of(settings)
    networks = Networks(databases, read_classes(), RobotRanges(settings.state.directory).entries)
    about = describe(key.strip().partition("/")[0], networks, databases.databases())
    country = about.country.country if about.country is not None else None
    return {
        "address": about.address,
        "asn": about.label.asn,
        "as_name": about.label.as_name,
        "network": about.network,
        "network_class": about.label.network_class,
        "country": about.label.country,
        "country_name": (country.name or "") if country is not None else "",
        "crawler": about.label.crawler,
        "reserved_for": about.bogon,
        "databases": list(about.databases),
    }


def _standing(key: str, settings: Settings) -> dict[str, Any] | None:
    """Return what the running node holds of ``key``; None, and a note on stderr, when it cannot be asked."""
    try:
        found: dict[str, Any] = client_of(settings).call("GET", f"bans/{segment(key)}")
    except (UnreachableError, DeclinedError) as fault:
        click.echo(f"note: bans are not known: {printable(fault.message)}", err=True)
        return None
    return found


def name_of(asn: int, entries: Iterable[tuple[object, object]]) -> str:
    """Return the name of an AS number by going through a database, a second or three; '' when it is not in it."""
    for _, record in entries:
        number, name = asn_of(record)
        if number == asn:
            return name
    return ""


def _write(found: dict[str, Any], form: str, portrait: list[tuple[str, str]]) -> None:
    if form != "table":
        Listing((), form, sys.stdout).write([found])
        return
    wide = max(len(name) for name, _ in portrait)
    for name, text in portrait:
        click.echo(f"{name:<{wide}}  {printable(text)}")
    if found.get("records"):
        click.echo()
        Listing(RECORD_COLUMNS, form, sys.stdout).write(found["records"])
