"""``shieldproxy report``: who attacked, how often and from where, as text, as one page, or as one object."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, TextIO

import click

from shieldproxy.attribution.columns import milliseconds
from shieldproxy.attribution.ledger import Entry
from shieldproxy.attribution.report.content import Question, compile_content
from shieldproxy.attribution.upkeep import find
from shieldproxy.attribution.visits import Period
from shieldproxy.cli.asking import span_options
from shieldproxy.cli.months import MONTH, Month
from shieldproxy.cli.options import config_option, settings_of
from shieldproxy.cli.output import console_for, json_line
from shieldproxy.core.printing import printable
from shieldproxy.core.record import rfc3339
from shieldproxy.settings.compiling import compile_episodes

EXAMPLES = """\b
Examples:
  shieldproxy report --month 2026-11
  shieldproxy report --since 7d --format html -o week.html"""


@click.command("report", short_help="Who attacked, how often, from which networks.", epilog=EXAMPLES)
@click.option("--month", type=MONTH, metavar="YYYY-MM", help="A whole month, UTC (default: this one).")
@span_options
@click.option("--episode", metavar="ID", help="One episode (see: shieldproxy episodes).")
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "html", "json")),
    default="text",
    show_default=True,
    help="text for a terminal, html for one page that needs nothing else, json for programs.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write there.")
@config_option
def report(config: Path | None, form: str, output: Path | None, **asked: Any) -> None:
    """Report who attacked, how often and from where, what was stopped and what got through. Times are UTC.

    Every number comes with its definition; see also docs/reports.md.
    """
    settings = settings_of(config)
    directory, policy = settings.journal.directory, compile_episodes(settings)
    now = time.time()
    with find(directory, policy, now) as found:
        content = compile_content(found.archive, _question(asked, found.ledger, now, policy.words()), found.ledger)
    if content["note"]:
        click.echo(content["note"], err=True)
    if not directory.is_dir():
        click.echo(
            f"There is no journal at {printable(str(directory))} yet (-c names another configuration).", err=True
        )
    if output is None:
        write(content, form, sys.stdout)
        return
    try:
        with output.open("w", encoding="utf-8") as file:
            write(content, form, file)
    except OSError as fault:
        raise click.FileError(str(output), fault.strerror or str(fault)) from fault


def write(content: dict[str, Any], form: str, stream: TextIO) -> None:
    """Write the report in ``form``."""
    if form == "json":
        stream.write(f"{json_line(content)}\n")
    elif form == "html":
        from shieldproxy.attribution.report.page import page  # noqa: PLC0415 - only a page pays for it

        stream.write(page(content))
    else:
        from shieldproxy.attribution.report.text import write_text  # noqa: PLC0415 - only text pays for rich

        write_text(content, console_for(stream))


def _question(asked: dict[str, Any], ledger: list[Entry], now: float, words: str) -> Question:
    given = [name for name in ("month", "episode") if asked[name]]
    if len(given) + bool(asked["since"] or asked["until"]) > 1:
        raise click.UsageError("--month, --episode and --since/--until are three ways to say one thing: give one")
    if asked["episode"]:
        entry = next((entry for entry in ledger if entry["id"] == asked["episode"]), None)
        if entry is None:
            known = ", ".join(entry["id"] for entry in ledger[-5:]) or "none"
            raise click.BadParameter(
                f"no episode {asked['episode']!r}; the latest are: {known}", param_hint="--episode"
            )
        period = Period(milliseconds(entry["start"]), milliseconds(entry["end"]))
        return Question(period, f"Episode {entry['id']}", now, words, entry["id"])
    if asked["since"] or asked["until"]:
        since, until = asked["since"] or rfc3339(0), asked["until"] or rfc3339(now)
        period = Period(milliseconds(since), milliseconds(until) + 1)
        return Question(period, f"{since[:16].replace('T', ' ')} to {until[:16].replace('T', ' ')} UTC", now, words)
    month: Month = asked["month"] or Month.of(now)
    return Question(Period(int(month.since * 1000), int(month.until * 1000)), month.title, now, words)
