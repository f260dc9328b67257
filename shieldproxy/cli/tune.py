"""``shieldproxy tune``: limits that a log would bear, with the share of people each step would touch."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Any

import click

from shieldproxy.app.replay.callers import Callers
from shieldproxy.app.replay.past import Past
from shieldproxy.app.replay.tuning import Tuned, as_toml, definition, steps_of
from shieldproxy.app.replay.tuning import tune as tune_past
from shieldproxy.cli.options import config_option, format_option, settings_of
from shieldproxy.cli.output import Column, Listing, Row, paragraph
from shieldproxy.cli.spans import written_count
from shieldproxy.core.printing import printable
from shieldproxy.intel.crawlers import crawler
from shieldproxy.intel.databases import Databases
from shieldproxy.intel.networks import Networks
from shieldproxy.intel.robot_ranges import RobotRanges
from shieldproxy.intel.tables import read_classes
from shieldproxy.journal.log_files import UnreadableLogError

# Fewer people than these say little about all people.
FEW = 300


@click.command("tune", short_help="Propose limits from a log, with the people each would touch.")
@click.argument("logs", nargs=-1, required=True, metavar="LOG...", type=click.Path(path_type=Path, exists=True))
@format_option
@config_option
def tune(logs: tuple[Path, ...], form: str, config: Path | None) -> None:
    """Try limits for clients, neighbourhoods and operators of networks on LOGs (those that replay takes).

    A row for each step: requests beyond it, and the share of people of which at least one would be. Proposed is the
    tightest that is bearable; the limits of the configuration stand among the steps.
    """
    settings = settings_of(config)
    past = Past(logs)
    gc.disable()  # as in replay: nothing here makes cycles
    networks = Networks(
        Databases(asn=settings.geo.asn, country=settings.geo.country),
        read_classes(),
        RobotRanges(settings.state.directory).entries,
    )
    callers = Callers(networks, crawler)
    try:
        tuned = tune_past(past, callers, steps_of(settings.limits.values()), settings.server.own_path)
    except UnreadableLogError as error:
        click.echo(printable(str(error)), err=True)
        sys.exit(2)
    Listing(COLUMNS, form, sys.stdout).write(tuned.rows)
    if form == "table":
        explain(tuned)
    for line in past.broken_lines[:5]:
        click.echo(printable(line), err=True)
    if not tuned.requests:
        click.echo("no request could be read", err=True)
        sys.exit(1)


def explain(tuned: Tuned) -> None:
    """Write what the rows mean, and the proposal as config.toml takes it."""
    click.echo(f"\n{written_count(tuned.requests)} requests, {written_count(tuned.people)} people")
    click.echo(paragraph(f"({definition()})"))
    if tuned.people < FEW:
        click.echo(f"Fewer than {FEW} people: take the shares as a hint, and read a longer log.")
    if tuned.people and tuned.proposed():
        click.echo(f"\nThe tightest that are bearable (*):\n\n{as_toml(tuned.proposed())}", nl=False)


def percent(name: str) -> Any:
    """Return what writes a share in per cent."""

    def written(row: Row) -> str:
        return f"{100 * row[name]:.2f} %"

    return written


COLUMNS = (
    Column("scope", "scope"),
    Column("rate", lambda row: f"{row['rate']:g}/s", right=True),
    Column("burst", lambda row: f"{row['burst']:g}", right=True),
    Column("requests", lambda row: written_count(row["requests"]), right=True),
    Column("of all", percent("share"), right=True),
    Column("strangers", lambda row: written_count(row["strangers"]), right=True),
    Column("people", lambda row: written_count(row["people"]), right=True),
    Column("of people", percent("people_share"), right=True),
    Column("", lambda row: " ".join(word for word in ("*" * row["proposed"], row["limit"] and "in force") if word)),
)
