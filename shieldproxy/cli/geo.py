"""``shieldproxy geo``: which databases name networks and countries, how old they are, where newer ones belong."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from shieldproxy.cli.fetching import fetch_all
from shieldproxy.cli.options import config_option, format_option, settings_of
from shieldproxy.cli.output import Column, Listing
from shieldproxy.core.printing import printable
from shieldproxy.intel.databases import FOLDERS, STALE_DAYS, Database, Databases, open_database
from shieldproxy.intel.robot_ranges import RobotRanges, by_robot, write_ranges
from shieldproxy.settings.schema import Settings

COLUMNS = (
    Column("answers", "kind"),
    Column("type", "type", least=12),
    Column("from", "origin"),
    Column("made", lambda row: row["built"][:10]),
    Column("days old", lambda row: f"{row['age_days']:.0f}", right=True),
    Column("sha256", lambda row: row["sha256"][:16]),
    Column("file", "path", least=16),
)


@click.group(short_help="Age and update of the network databases.")
def geo() -> None:
    """Databases that say to which network (ASN) and country an address belongs."""


@geo.command("status", short_help="Which databases are used, and how old they are.")
@format_option
@config_option
def show(form: str, config: Path | None) -> None:
    """List the databases that would be used now: the operator's own files first, else the bundled snapshot.

    Says of when the ranges of robots are. Warns of a database older than 35 days; ends with 1 when one is missing or
    cannot be used.
    """
    settings = settings_of(config)
    databases, ranges = databases_of(settings), RobotRanges(settings.state.directory)
    used = databases.databases()
    now = time.time()
    Listing(COLUMNS, form, sys.stdout).write(fields(database, now) for database in used)
    fetched = f"fetched {ranges.fetched}" if ranges.fetched else "of the package; shieldproxy geo update fetches newer"
    if form == "table":
        click.echo(f"ranges of robots: {len(ranges.entries)}, {fetched}")
    problems = [*databases.problems, *([ranges.problem] if ranges.problem else [])]
    for warning in [*problems, *stale(used, now)]:
        click.echo(f"warning: {printable(warning)}", err=True)
    sys.exit(1 if problems else 0)


@geo.command("update", short_help="Fetch the ranges of robots; check your own files.")
@config_option
def update(config: Path | None) -> None:
    """Fetch the published ranges of robots, and read your own databases again.

    A robot whose files cannot be fetched, or hold what no operator of a robot owns, keeps the ranges it had; the file
    in the directory of the state is replaced in one step, and a running node takes it over by itself. Databases are
    not downloaded: they come from their makers under their own terms, by geoipupdate or by hand. Ends with 1 when
    anything could not be used.
    """
    settings = settings_of(config)
    sound = [read_again(kind, path) for kind, path in own_files(settings) if path is not None]
    if not sound:
        click.echo("no file of your own is named in [geo]")
    for database in databases_of(settings).databases():
        click.echo(f"in use now: {printable(database.describe())}")
    click.echo("Databases are not downloaded. Newer files belong")
    click.echo("- where [geo] asn and country of the configuration say, or")
    click.echo(f"- into {' or '.join(map(str, FOLDERS))}, where geoipupdate and Debian's packages put them.")
    click.echo("Any MaxMind DB (.mmdb) that tells an ASN or a country will do: GeoLite2, DB-IP Lite, IPinfo Lite.")
    click.echo("Replace a file in one step (write beside it, then mv).")
    sound.append(update_ranges(settings, time.time()))
    click.echo(
        f"A running node looks for changed files every {settings.geo.refresh:g} s and swaps them in while serving."
    )
    sys.exit(0 if all(sound) else 1)


def update_ranges(settings: Settings, now: float) -> bool:
    """Fetch the ranges of robots and swap them in; say what came of each, and return whether all went well."""
    used = RobotRanges(settings.state.directory)
    kept = by_robot(used.entries)
    fetched = asyncio.run(fetch_all(settings.robots.ranges, settings.robots.fetch_timeout))
    for found in fetched:
        if found.problem:
            had = len(kept.get(found.robot, ()))
            click.echo(printable(f"{found.robot}: {found.problem}; its {had} ranges stay as they were"), err=True)
        else:
            click.echo(f"{found.robot}: {len(found.networks)} ranges, {len(kept.get(found.robot, ()))} before")
            kept[found.robot] = list(found.networks)
    good = [found for found in fetched if not found.problem]
    if not good:
        click.echo("no ranges were fetched; nothing was changed")
        return not fetched
    try:
        write_ranges(used.path, kept, now)
    except OSError as fault:
        click.echo(f"{used.path}: cannot be written: {fault.strerror or fault}; nothing was changed", err=True)
        return False
    click.echo(f"{len(good)} of {len(fetched)} robots are as of today: {used.path}")
    return len(good) == len(fetched)


def databases_of(settings: Settings) -> Databases:
    """Return the databases that these settings use."""
    return Databases(asn=settings.geo.asn, country=settings.geo.country)


def own_files(settings: Settings) -> tuple[tuple[str, Path | None], ...]:
    """Return the operator's own files by what they are to answer."""
    return (("asn", settings.geo.asn), ("country", settings.geo.country))


def read_again(kind: str, path: Path) -> bool:
    """Open one file of the operator, say how it is, and return whether it can be used."""
    try:
        database = open_database(kind, "configured", path)
    except OSError as fault:
        click.echo(f"geo.{kind} {path}: cannot be read: {fault.strerror or fault}", err=True)
        return False
    except Exception as fault:  # noqa: BLE001 - a broken file may raise anything; here each is a sentence
        click.echo(printable(f"geo.{kind} {path}: cannot be used: {fault}"), err=True)
        return False
    click.echo(f"good: {printable(database.describe())}")
    return True


def fields(database: Database, now: float) -> dict[str, Any]:
    """Return a database for a listing; ``now`` is unix seconds."""
    return {
        "kind": database.kind,
        "type": database.type,
        "origin": database.origin,
        "built": f"{database.built:%Y-%m-%dT%H:%M:%SZ}",
        "age_days": round(database.age_days(now), 1),
        "sha256": database.sha256,
        "path": str(database.path),
    }


def stale(databases: Sequence[Database], now: float) -> list[str]:
    """Return a sentence for each database that is older than makers' intervals."""
    return [
        f"the {database.kind} database is {database.age_days(now):.0f} days old, and addresses change hands; "
        "shieldproxy geo update says where a newer one belongs"
        for database in databases
        if database.age_days(now) > STALE_DAYS
    ]
