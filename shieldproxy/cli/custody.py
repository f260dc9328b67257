"""``shieldproxy evidence hold``, ``release``, ``holds``, ``exports``: what must stay, and who got what."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from shieldproxy.attribution.evidence.export_log import exports as read_exports
from shieldproxy.cli.options import config_option, format_option, settings_of
from shieldproxy.cli.output import Column, Listing
from shieldproxy.core.printing import printable
from shieldproxy.core.record import rfc3339
from shieldproxy.journal.holds import lift_hold, read_holds, set_hold
from shieldproxy.journal.moments import parse_moment

HOLD_COLUMNS = (
    Column("hold", "id"),
    Column("since", lambda row: row["since"][:19]),
    Column("until", lambda row: row["until"][:19]),
    Column("set", lambda row: row["set_at"][:19]),
    Column("why", "why", least=20),
)
EXPORT_COLUMNS = (
    Column("at", lambda row: row["at"][:19]),
    Column("case", "case"),
    Column("recipient", "recipient", least=12),
    Column("records", "records", right=True),
    Column("addresses", "sources", right=True),
    Column("purpose", "purpose", least=20),
)


@click.command("hold", short_help="Order that records of a span stay.")
@click.argument("span", metavar="SINCE..UNTIL")
@click.option("--why", required=True, metavar="TEXT", help="Who asked for it and in which case; is written down.")
@config_option
def hold(span: str, why: str, config: Path | None) -> None:
    """Keep the records from SINCE to UNTIL, whatever their age, until the hold is released."""
    journal = settings_of(config).journal.directory
    since, dots, until = span.partition("..")
    now = time.time()
    try:
        if not dots:
            raise ValueError(f"{span!r} is no span; allowed: SINCE..UNTIL, such as 2026-11-24..2026-11-26")
        first, last = rfc3339(parse_moment(since, now)), rfc3339(parse_moment(until, now, end=True))
        found = set_hold(journal, first, last, why, rfc3339(now))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise click.UsageError(f"{error.filename}: {error.strerror}") from error
    click.echo(f"{found.id}: records from {found.since} to {found.until} stay")


@click.command("release", short_help="Release a hold.")
@click.argument("hold_id", metavar="ID")
@click.option("--why", required=True, metavar="TEXT", help="Why it is over; is written down.")
@config_option
def release(hold_id: str, why: str, config: Path | None) -> None:
    """Let the records of hold ID go when their time is over."""
    try:
        found = lift_hold(settings_of(config).journal.directory, hold_id, why, rfc3339(time.time()))
    except KeyError:
        click.echo(f"no hold {printable(hold_id)} is in force", err=True)
        sys.exit(1)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    click.echo(f"{found.id} is released")


@click.command("holds", short_help="List the holds in force.")
@format_option
@config_option
def holds(form: str, config: Path | None) -> None:
    """List the holds in force."""
    try:
        found = read_holds(settings_of(config).journal.directory)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    Listing(HOLD_COLUMNS, form, sys.stdout).write(entry._asdict() for entry in found.values())
    if form == "table" and not found:
        click.echo("no hold is in force")


@click.command("exports", short_help="List what was handed over.")
@format_option
@config_option
def exports(form: str, config: Path | None) -> None:
    """List what was exported, for whom and what for, oldest first."""
    found = read_exports(settings_of(config).state.directory)
    Listing(EXPORT_COLUMNS, form, sys.stdout).write(found)
    if form == "table" and not found:
        click.echo("nothing was exported")
