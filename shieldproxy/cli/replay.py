"""``shieldproxy replay``: what a configuration would have done to past traffic, and to whom."""

from __future__ import annotations

import gc
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shieldproxy.app.replay.changes import DIMENSIONS, GOOD, HARMFUL, KINDS
from shieldproxy.app.replay.past import Past
from shieldproxy.app.replay.replaying import ROWS
from shieldproxy.app.replay.replaying import replay as replay_past
from shieldproxy.cli.options import settings_of
from shieldproxy.cli.output import Column, Listing, json_line, paragraph
from shieldproxy.cli.spans import written_count
from shieldproxy.core.errors import StartError
from shieldproxy.core.printing import printable
from shieldproxy.journal.log_files import UnreadableLogError
from shieldproxy.settings.reading import load
from shieldproxy.state.seasons import leave_learned

if TYPE_CHECKING:
    from shieldproxy.core.seasons import Seasons
    from shieldproxy.state.learned import Usual

EXAMPLES = """\b
Examples:
  shieldproxy replay var/journal -c new.toml --against config.toml
  shieldproxy replay /var/log/nginx/access.log* -c config.toml --max-people-hurt 0.1%
  shieldproxy replay /var/log/nginx/access.log* -c config.toml --learn"""

CONFIG = click.Path(path_type=Path, exists=True, dir_okay=False)


class Share(click.ParamType[float]):
    """A share of people: ``0.1%`` or ``0.001``."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the share as a number from 0 to 1."""
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%?)", str(value).strip())
        share = float(found[1]) / (100 if found[2] else 1) if found is not None else 2.0
        if share > 1.0:
            self.fail(f"{value!r} is no share; allowed: such as 0.1% or 0.001, at most 100%", param, ctx)
        return share


@click.command("replay", short_help="What a configuration would have done to past traffic.", epilog=EXAMPLES)
@click.argument("logs", nargs=-1, required=True, metavar="LOG...", type=click.Path(path_type=Path, exists=True))
@click.option("-c", "--config", type=CONFIG, metavar="NEW", help="The configuration to try (default: ./config.toml).")
@click.option("--against", type=CONFIG, metavar="OLD", help="Compare with this one instead of with what was done.")
@click.option("--max-people-hurt", "bound", type=Share(), metavar="SHARE", help="End with 1 beyond it, such as 0.1%.")
@click.option("--learn", is_flag=True, help="Let the node of this configuration take the log for what is usual.")
@click.option("--rows", type=click.IntRange(1, 10_000), default=ROWS, show_default=True, help="Rows of each listing.")
@click.option("--format", "form", type=click.Choice(("table", "json")), default="table", show_default=True)
def replay(  # noqa: PLR0913, PLR0917 - one argument for each option
    logs: tuple[Path, ...],
    config: Path | None,
    against: Path | None,
    bound: float | None,
    learn: bool,  # noqa: FBT001 - a flag of the command line
    rows: int,
    form: str,
) -> None:
    """Judge the requests of LOGs by a configuration, and say who would newly be stopped or let go.

    A LOG is a journal of ours (its directory or a segment), a combined log of nginx or Apache, or JSON lines; gzip
    is fine. Nothing is changed and nobody is asked: it reads, on the clock of the log. Only with --learn it leaves
    what it learned for the node.
    """
    settings = settings_of(config)
    old = load(against) if against is not None else None
    past = Past(logs)
    # Nothing here makes cycles, and a heap that only grows would be searched for them again and again.
    gc.disable()
    began = time.perf_counter()
    try:
        replayed = replay_past(past, settings, old, learn=learn)
    except UnreadableLogError as error:
        click.echo(printable(str(error)), err=True)
        sys.exit(2)
    seconds = time.perf_counter() - began
    if replayed.learned is not None:
        leave(settings.state.directory, *replayed.learned)
    found = replayed.as_fields(rows)
    found |= {"broken_lines": past.broken, "seconds": round(seconds, 3)}
    if form == "json":
        click.echo(json_line(found))
    else:
        show(found)
    for line in past.broken_lines[:5]:
        click.echo(printable(line), err=True)
    if not replayed.requests:
        click.echo("no request could be read", err=True)
        sys.exit(1)
    if bound is not None and found["hurt"]["share"] > bound:
        click.echo(f"more than {bound:.4%} of people and good robots would be hurt", err=True)
        sys.exit(1)


def leave(directory: Path, usual: Usual, seasons: Seasons) -> None:
    """Leave what was learned for the node; end with 2 when that is not possible."""
    try:
        leave_learned(directory, usual, seasons)
    except StartError as error:
        click.echo(printable(str(error)), err=True)
        sys.exit(2)


def show_learned(learned: dict[str, Any]) -> None:
    """Say for people what was learned."""
    kept = learned["kept"]
    click.echo(
        f"Learned from {learned['seconds'] / 3600:.1f} calm hours ({learned['hours_of_the_week']} of 168 hours of the "
        f"week): newcomers ask {learned['newcomers_per_second']:g} times a second; {kept['asn']} networks,\n"
        f"{kept['country']} countries, {kept['path']} paths. The node takes it at its start, or within a minute."
    )
    for word, rows in learned["heaviest"].items():
        most = ", ".join(f"{row['key']} {row['rate']:.2g}/s" for row in rows)
        click.echo(printable(f"  most by {word}: {most or 'none'}"))


def show(found: dict[str, Any]) -> None:
    """Write the result for people."""
    click.echo(f"{written_count(found['requests'])} requests, {found['from']} to {found['until']}")
    if found["skipped"]:
        click.echo(f"{written_count(found['skipped'])} left out: our own pages, and lines that name no address")
    against = found["against"]
    click.echo(f"policy {found['policy']} against {against if ' ' in against else f'policy {against}'}")
    if found["rules_not_asked"]:
        click.echo(f"rules that logs cannot answer, left out on both sides: {', '.join(found['rules_not_asked'])}")
    click.echo()
    section("All requests", [Column("action", "action"), number("before"), number("after")], actions(found))
    kinds = [Column("newly", "kind"), number("requests"), number("sessions"), number("people"), number("robots")]
    section("What changes", kinds, [row for row in found["changes"] if row["requests"]])
    causes = [Column("newly", "kind"), Column("by limit, rule or stage", "rule", 20), number("requests")]
    section("Why", causes, found["causes"])
    shown = [kind for kind in KINDS if any(row["kind"] == kind and row["requests"] for row in found["changes"])]
    for dimension in DIMENSIONS:
        rows = found["by"][dimension]
        good = [number(whose, f"of {whose}") for whose in GOOD if any(row[whose] for row in rows)]
        section(f"By {dimension}", [Column(dimension, "key", 20), *map(number, shown), *good], rows)
    hurt = found["hurt"]
    click.echo(
        f"People hurt: {hurt['people_hurt']} of {hurt['people']}; good robots hurt: {hurt['robots_hurt']} of "
        f"{hurt['robots']}; together {hurt['share']:.2%}"
    )
    click.echo(paragraph(f"({hurt['definition']})"))
    if found["learned"] is not None:
        show_learned(found["learned"])
    rate = found["requests"] / found["seconds"] if found["seconds"] else 0.0
    click.echo(f"Replayed in {found['seconds']:.1f} s, {written_count(rate)} requests/s", err=True)


def number(name: str, title: str = "") -> Column:
    """Return a column of counts."""
    return Column(
        title or name, lambda row: written_count(row[name]), right=True, style="red" if name in HARMFUL else ""
    )


def actions(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each action."""
    return [
        {"action": word, "before": found["before"][word], "after": found["after"][word]} for word in found["before"]
    ]


def section(title: str, columns: list[Column], rows: list[dict[str, Any]]) -> None:
    """Write one listing under its title; nothing for no rows."""
    if not rows:
        return
    click.echo(title)
    Listing(columns, "table", sys.stdout).write(rows)
    click.echo()
