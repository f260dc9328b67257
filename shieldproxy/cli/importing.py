"""``shieldproxy import``: logs of other servers become records, to look at an attack of last year as at today's."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import click

from shieldproxy.attribution.importing import AlreadyImportedError, Imported, LogImport
from shieldproxy.attribution.parallel_import import WORTH_IT, take_in_parallel
from shieldproxy.cli.geo import databases_of
from shieldproxy.cli.options import config_option, format_option, settings_of
from shieldproxy.cli.output import Column, Listing, Row
from shieldproxy.cli.spans import written_count
from shieldproxy.core.printing import printable
from shieldproxy.intel.networks import Networks
from shieldproxy.intel.robot_ranges import RobotRanges
from shieldproxy.intel.tables import read_classes
from shieldproxy.journal.log_files import UnreadableLogError
from shieldproxy.journal.mending import probe
from shieldproxy.settings.schema import Settings

COLUMNS = (
    Column("log", "log", least=12),
    Column("node", "node", least=12),
    Column("records", lambda row: written_count(row["records"]), right=True),
    Column("first (UTC)", lambda row: row["first"][:19].replace("T", " ")),
    Column("last (UTC)", lambda row: row["last"][:19].replace("T", " ")),
    Column("broken", lambda row: written_count(row["broken"]), right=True),
)

EXAMPLES = """\b
Examples:
  shieldproxy import access.log access.log.1 access.log.2.gz
  shieldproxy import --name web2 /srv/logs/web2/*.json"""


@click.command("import", short_help="Bring the logs of other servers into the journal.", epilog=EXAMPLES)
@click.argument(
    "logs", nargs=-1, required=True, metavar="LOG...", type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option("--name", metavar="NAME", help="What the server is called (default: the name of each file).")
@click.option("--again", is_flag=True, help="Import a log also when the journal holds it already.")
@format_option
@config_option
def import_logs(logs: tuple[Path, ...], name: str | None, config: Path | None, form: str, *, again: bool) -> None:
    """Bring LOGs of nginx, Apache (common or combined, also gzip) or JSON lines into the journal.

    Their records are of the node imported:NAME and hold no verdict; networks and countries are what the databases say
    now. Times without an offset are UTC. Then logs, episodes, report, who and asn tell of them. Ends with 1 when a log
    is in the journal already, and with 2 when one cannot be read.
    """
    settings = settings_of(config)
    probe(settings.journal.directory)
    worst = 0
    found: list[Row] = []
    for log, outcome in _taken(logs, name, settings, again=again):
        if isinstance(outcome, Imported):
            found.append({"log": str(log)} | outcome._asdict())
            for line in outcome.broken_lines[:3]:
                click.echo(printable(line), err=True)
            if outcome.no_address:
                click.echo(f"{printable(str(log))}: {outcome.no_address:,} requests of no address left out", err=True)
        else:
            worst = max(worst, 1 if isinstance(outcome, AlreadyImportedError) else 2)
            click.echo(printable(str(outcome)), err=True)
    Listing(COLUMNS, form, sys.stdout).write(found)
    sys.exit(worst)


Outcome = Imported | AlreadyImportedError | UnreadableLogError | OSError


def _taken(
    logs: Sequence[Path], name: str | None, settings: Settings, *, again: bool
) -> Iterator[tuple[Path, Outcome]]:
    """Yield what came of each log. All processors are at work: on a log each, or together on one that is large."""
    processors = len(os.sched_getaffinity(0))
    if len(logs) < max(2, processors):
        for log in logs:
            yield log, take(log, name, settings, again=again, processes=processors)
        return
    with ProcessPoolExecutor(processors) as pool:
        futures = [(log, pool.submit(take, log, name, settings, again=again)) for log in logs]
        for log, future in futures:
            yield log, future.result()


def take(log: Path, name: str | None, settings: Settings, *, again: bool, processes: int = 1) -> Outcome:
    """Bring one log into the journal and return what came of it, an error too."""
    called, directory = name or log.name, settings.journal.directory
    try:
        if processes > 1 and log.stat().st_size >= WORTH_IT:
            return take_in_parallel(log, called, directory, partial(_networks, settings), processes, again=again)
        return LogImport(directory, _networks(settings)).take(log, called, again=again)
    except (AlreadyImportedError, UnreadableLogError, OSError) as error:
        return error


def _networks(settings: Settings) -> Networks:
    return Networks(databases_of(settings), read_classes(), RobotRanges(settings.state.directory).entries)
