"""``shieldproxy logs``: review decisions, as a table for people or as lines for programs."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from shieldproxy.cli.asking import filter_of, filter_options, span_options
from shieldproxy.cli.options import config_option, format_option, settings_of
from shieldproxy.cli.output import Column, Listing, Row, room_on
from shieldproxy.cli.searching import reader_for, say_what_is_missing
from shieldproxy.core.observing import WOULD
from shieldproxy.core.printing import printable
from shieldproxy.core.record import Record, rfc3339
from shieldproxy.journal.filters import Filter
from shieldproxy.journal.following import INTERVAL, Follower
from shieldproxy.journal.reader import Reader

LIMIT = 50
# What stands above the first new line of --follow, so that one sees where one is.
BEFORE = 10

# From this width on there is room for the stage beside the rule; below the other the status gives way to the path.
WIDE, NARROW = 120, 100

STYLES = {"admit": "green", "challenge": "yellow", "throttle": "yellow", "refuse": "red", "drop": "bold red"}


# The backspace keeps click from making one paragraph of it.
EXAMPLES = """\b
Examples:
  shieldproxy logs --since 2h --asn 64500 --action any
  shieldproxy logs --since 2026-11-24 --limit 0 --format json > day.jsonl"""


@click.command("logs", short_help="Review decisions: who was not admitted, and why.", epilog=EXAMPLES)
@span_options
@filter_options
@click.option("--follow", "-f", is_flag=True, help="Go on with new decisions as they are written.")
@click.option(
    "--limit", "-n", type=click.IntRange(0), metavar="N", help=f"So many, the newest (default {LIMIT}; 0: all)."
)
@format_option
@config_option
def logs(config: Path | None, form: str, limit: int | None, *, follow: bool, **asked: Any) -> None:
    """Review decisions. Without options: what was not admitted, the newest last. Times are UTC.

    Options of different names must all hold; of one name given several times, one of them.
    """
    directory = settings_of(config).journal.directory
    wanted = filter_of(asked)
    if follow:
        _follow(directory, wanted, form, BEFORE if limit is None else limit)
    else:
        _review(directory, wanted, form, LIMIT if limit is None else limit)


def _review(directory: Path, wanted: Filter, form: str, limit: int) -> None:
    began = time.monotonic()
    reader = reader_for(directory, wanted)
    if limit == 0:
        listing = _listing(form, dates=not _of_today(wanted.since))
        listing.write(reader.records(wanted))
    else:
        # One more than shown tells whether there are more.
        newest = list(itertools.islice(reader.records(wanted, newest=True), limit + 1))
        rows = newest[:limit][::-1]
        listing = _listing(form, dates=bool(rows) and not _of_today(rows[0]["ts"]))
        listing.write(rows)
        if len(newest) > limit:
            _note(f"Only the last {limit} are shown; --limit {10 * limit} shows more, --limit 0 all.")
    if listing.count == 0:
        _note(_nothing(directory))
    _complain(reader)
    say_what_is_missing(wanted, began)


def _follow(directory: Path, wanted: Filter, form: str, before: int) -> None:
    follower = Follower(directory, wanted)
    newest = list(itertools.islice(reader_for(directory, wanted).records(wanted, newest=True), before))
    listing = _listing(form, dates=False)
    try:
        listing.write(newest[::-1])
        # What was written between the two looks above was seen by both.
        shown = {_identity(fields) for fields in newest}
        listing.write(fields for fields in follower.poll() if _identity(fields) not in shown)
        while True:
            time.sleep(INTERVAL)
            listing.write(follower.poll())
    except KeyboardInterrupt:
        _complain(follower.reader)


def _listing(form: str, *, dates: bool) -> Listing:
    return Listing(columns(room_on(sys.stdout), dates=dates), form, sys.stdout, fields=Record._fields)


def columns(room: int, *, dates: bool) -> list[Column]:
    """Return the columns of a table of decisions on lines of ``room`` cells; with ``dates`` times carry their day."""
    narrow = room < NARROW
    found = [
        Column("time UTC", _day_and_time if dates else _time),
        Column("ID", "id"),
        Column("client", client, least=15 if narrow else 0),
        Column("network", network, least=7 if narrow else 10),
        Column("action", action, style=_action_style),
        Column("rule", rule_and_stage if room >= WIDE else rule, least=6),
        Column("code", lambda row: row.get("status") or "", right=True),
        Column("request", request, least=12),
        Column("", weight, right=True),
    ]
    return [column for column in found if column.title != "code"] if narrow else found


def client(row: Row) -> str:
    """Return the client key; a pseudonym is marked, for it is nobody's address."""
    return ("~" if row.get("pseudonym") else "") + str(row.get("client", ""))


def network(row: Row) -> str:
    """Return AS number, country and name, as far as they are known."""
    number = f"AS{row['asn']}" if row.get("asn") else ""
    return " ".join(str(part) for part in (number, row.get("country"), row.get("as_name")) if part)


def action(row: Row) -> str:
    """Return what was done, or would have been done in mode observe, of the node or of one limit or rule."""
    word = str(row.get("action", ""))
    if word == "admit":
        return observed(row).partition(":")[0] or word
    return word if row.get("enforced", True) else f"{WOULD}{word}"


def observed(row: Row) -> str:
    """Return the first word of a limit or rule that only observes, as ``would throttle: limits.search``; or ''."""
    return next((str(word) for word in row.get("reasons", ()) if str(word).startswith(WOULD)), "")


def rule(row: Row) -> str:
    """Return the limit or rule that decided, or would have; the stage where a stage decides by itself."""
    if row.get("action") == "admit" and (words := observed(row)):
        return words.rpartition(".")[2]
    return str(row.get("rule") or row.get("stage") or "")


def rule_and_stage(row: Row) -> str:
    """Return the rule with the stage it stands in."""
    return f"{row['rule']} ({row.get('stage', '')})" if row.get("rule") else str(row.get("stage", ""))


def request(row: Row) -> str:
    """Return method and target."""
    query = f"?{row['query']}" if row.get("query") else ""
    return f"{row.get('method', '')} {row.get('path', '')}{query}"


def weight(row: Row) -> str:
    """Return how many requests the line stands for, when it is more than one."""
    amount = row.get("weight", 1)
    return f"x{amount}" if amount != 1 else ""


def _time(row: Row) -> str:
    return str(row.get("ts", ""))[11:19]


def _day_and_time(row: Row) -> str:
    return str(row.get("ts", ""))[5:19].replace("T", " ")


def _action_style(text: str) -> str:
    return STYLES.get(text.removeprefix(WOULD), "")


def _of_today(ts: str) -> bool:
    return ts[:10] == rfc3339(time.time())[:10]


def _identity(fields: Row) -> tuple[Any, ...]:
    return (fields["ts"], fields.get("node"), fields.get("id"), fields.get("seq"))


def _nothing(directory: Path) -> str:
    if not directory.is_dir():
        return f"There is no journal at {printable(str(directory))} yet (-c names another configuration)."
    return f"No decision in {printable(str(directory))} fits; --action any shows what was admitted, too."


def _complain(reader: Reader) -> None:
    if reader.broken:
        first: Iterable[str] = reader.broken_lines[:3]
        _note(f"{reader.broken} lines of the journal are no records: {'; '.join(printable(line) for line in first)}")


def _note(text: str) -> None:
    """Say something beside the listing, so that what is piped on stays clean."""
    sys.stderr.write(f"{text}\n")
