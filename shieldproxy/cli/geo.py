"""``shieldproxy geo``: which databases name networks and countries, how old they are, where newer ones belong."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from shieldproxy.cli.options import config_option, format_option, settings_of
from shieldproxy.cli.output import Column, Listing
from shieldproxy.core.printing import printable
from shieldproxy.intel.databases import FOLDERS, STALE_DAYS, Database, Databases, open_database
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

    Warns of one older than 35 days; ends with 1 when one is missing or cannot be used.
    """
    databases = databases_of(settings_of(config))
    used = databases.databases()
    now = time.time()
    Listing(COLUMNS, form, sys.stdout).write(fields(database, now) for database in used)
    for warning in [*databases.problems, *stale(used, now)]:
        click.echo(f"warning: {printable(warning)}", err=True)
    sys.exit(1 if databases.problems else 0)


@geo.command("update", short_help="Check new files, and say where they belong.")
@config_option
def update(config: Path | None) -> None:
    """Read the operator's own files again, say whether each can be used, and where newer ones are to be put.

    Nothing is downloaded: databases come from their makers under their own terms, by geoipupdate or by hand.
    A running node takes changed files by itself. Ends with 1 when a file of yours cannot be used.
    """
    settings = settings_of(config)
    sound = [read_again(kind, path) for kind, path in own_files(settings) if path is not None]
    if not sound:
        click.echo("no file of your own is named in [geo]")
    for database in databases_of(settings).databases():
        click.echo(f"in use now: {printable(database.describe())}")
    click.echo(
        f"A running node looks for changed files every {settings.geo.refresh:g} s and swaps them in while serving."
    )
    click.echo("Nothing is downloaded by this command. Newer files belong")
    click.echo("- where [geo] asn and country of the configuration say, or")
    click.echo(f"- into {' or '.join(map(str, FOLDERS))}, where geoipupdate and Debian's packages put them.")
    click.echo("Any MaxMind DB (.mmdb) that tells an ASN or a country will do: GeoLite2, DB-IP Lite, IPinfo Lite.")
    click.echo("Replace a file in one step (write beside it, then mv).")
    sys.exit(0 if all(sound) else 1)


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
