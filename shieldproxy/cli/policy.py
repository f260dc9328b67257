"""``shieldproxy policy history``: what was changed when, and what was decided in the hour before and after."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from shieldproxy.cli.options import config_option, format_option, settings_of
from shieldproxy.cli.output import Column, Listing, Row
from shieldproxy.cli.spans import written_count
from shieldproxy.core.printing import printable
from shieldproxy.core.record import rfc3339
from shieldproxy.core.verdict import Action
from shieldproxy.journal.filters import Filter
from shieldproxy.journal.reader import Reader
from shieldproxy.state.policies import PolicyLog

HOUR = 3_600.0
LIMIT = 10
ACTIONS = tuple(action.word for action in Action)
TITLES = {**dict.fromkeys(ACTIONS), "passed": "challenges passed", "failed": "site failed"}


@click.group(short_help="What was changed when, and what it did.")
def policy() -> None:
    """Policies that this node has judged by."""


@policy.command("history", short_help="What was changed when, and what was decided in the hour before and after.")
@click.option("--limit", "-n", type=click.IntRange(1), default=LIMIT, show_default=True, help="So many, the newest.")
@format_option
@config_option
def history(config: Path | None, limit: int, form: str) -> None:
    """List starts and reloads, the newest last: when, which policy, which keys changed, and the effect.

    The effect is counted in the journal: requests by action in the hour before and the hour after, challenges that were
    passed, and requests that the site itself failed.
    """
    settings = settings_of(config)
    try:
        entries = PolicyLog(settings.state.directory).entries()[-limit:]
    except OSError as error:
        click.echo(printable(f"{error.filename}: {error.strerror}"), err=True)
        sys.exit(2)
    if not entries:
        click.echo(printable(f"No history in {settings.state.directory} yet: a node writes it."), err=True)
        return
    reader = Reader(settings.journal.directory)
    rows = (effect(entry, reader) for entry in entries)
    if form != "table":
        Listing((), form, sys.stdout).write(rows)
        return
    for row in rows:
        show(row)


def effect(entry: dict[str, Any], reader: Reader) -> dict[str, Any]:
    """Return ``entry`` with what was decided in the hour before and the hour after."""
    moment = datetime.fromisoformat(entry["ts"]).timestamp()
    until = min(moment + HOUR, time.time())
    return {**entry, "before": counted(reader, moment - HOUR, moment), "after": counted(reader, moment, until)}


def counted(reader: Reader, since: float, until: float) -> dict[str, int]:
    """Return requests by action between two moments, challenges passed, and failures of the site."""
    found: Counter[str] = Counter()
    for record in reader.scan(Filter(since=rfc3339(since), until=rfc3339(max(since, until)))):
        weight = int(record.get("weight", 1))
        # What was only observed was let in.
        found[str(record["action"]) if record.get("enforced", True) else "admit"] += weight
        found["passed"] += weight * (record.get("challenge") == "passed")
        found["failed"] += weight * (record.get("side") == "origin")
    return {key: found[key] for key in TITLES}


def show(row: Row) -> None:
    """Write one entry for people."""
    click.echo(printable(f"{row['ts'][:19]}Z {row.get('event', '')}: {' '.join(described(row))}"))
    for change in row.get("changes", ()):
        click.echo(printable(f"  {change['key']}: {change['old'] or '(none)'} -> {change['new'] or '(none)'}"))
    if row.get("more"):
        click.echo(f"  and {row['more']} more")
    columns = [Column("hour", "hour"), *(Column(title or key, key, right=True) for key, title in TITLES.items())]
    Listing(columns, "table", sys.stdout).write(hours(row))
    click.echo()


def hours(row: Row) -> Iterator[Row]:
    """Yield the hour before and the hour after, counts as people read them."""
    for word in ("before", "after"):
        yield {"hour": word, **{key: written_count(count) for key, count in row[word].items()}}


def described(row: Row) -> Iterator[str]:
    """Yield the policy, its mode when it is not the usual one, the file, and who asked for it."""
    yield f"policy {row.get('policy', '')}"
    if row.get("mode") != "enforce":
        yield f"({row.get('mode', '')})"
    yield f"of {row.get('config', '')}"
    if row.get("by"):
        yield f"by {row['by']}"
