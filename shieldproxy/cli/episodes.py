"""``shieldproxy episodes``: attack episodes, one a line."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from shieldproxy.attribution.report.wording import lasting, moment
from shieldproxy.attribution.upkeep import find
from shieldproxy.cli.months import MONTH, Month
from shieldproxy.cli.options import config_option, format_option, settings_of
from shieldproxy.cli.output import Column, Listing, Row
from shieldproxy.cli.spans import written_count
from shieldproxy.core.record import rfc3339
from shieldproxy.settings.compiling import compile_episodes


def top_networks(row: Row) -> str:
    """Return the heaviest three networks with their shares."""
    groups = row["who"]["asns"]["groups"][:3]
    return ", ".join(f"AS{group['key']} {100 * group['share']:.0f} %" for group in groups)


COLUMNS = (
    Column("episode", "id"),
    Column("began (UTC)", lambda row: moment(row["start"])[:16]),
    Column("lasted", lambda row: lasting(row["seconds"]) + ("…" if row["ongoing"] else "")),
    Column("was", lambda row: row["opinion"]["word"]),
    Column("requests", lambda row: written_count(row["attack"]["requests"]), right=True),
    Column("addresses", lambda row: written_count(row["attack"]["addresses"]), right=True),
    Column("peak/s", lambda row: written_count(row["peak"]), right=True),
    Column("networks", top_networks, least=9),
)


@click.command("episodes", short_help="Attack episodes, one a line.")
@click.option("--month", type=MONTH, metavar="YYYY-MM", help="Only those that began in this month, UTC.")
@format_option
@config_option
def episodes(config: Path | None, form: str, month: Month | None) -> None:
    """List the attack episodes in the journal, the newest last; by which parameters they are counted, on stderr.

    Each is found anew from the records, so the list is the same wherever the journal is read.
    """
    settings = settings_of(config)
    policy = compile_episodes(settings)
    with find(settings.journal.directory, policy, time.time()) as found:
        ledger, note = found.ledger, found.archive.note
    if month is not None:
        since, until = rfc3339(month.since), rfc3339(month.until)
        ledger = [entry for entry in ledger if since <= entry["start"] < until]
    Listing(COLUMNS, form, sys.stdout).write(ledger)
    if form == "table":
        count = f"{len(ledger)} episode{'s' * (len(ledger) != 1)}"
        click.echo(f"{count}: {policy.words()}", err=True)
    if note:
        click.echo(note, err=True)
