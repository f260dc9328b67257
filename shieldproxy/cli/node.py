"""``shieldproxy ban``, ``unban``, ``bans``, ``allow``, ``reload``: orders to the running node."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import Any

import click

from shieldproxy.cli.client import RELOAD_PATIENCE, DeclinedError, segment
from shieldproxy.cli.options import config_option, format_option
from shieldproxy.cli.output import Column, Listing
from shieldproxy.cli.reach import node_of
from shieldproxy.cli.spans import written_span
from shieldproxy.core.printing import printable

MOST_LISTED = 10_000

BAN_COLUMNS = (
    Column("client or network", "key"),
    Column("to go", lambda row: written_span(row["remaining"]), right=True),
    Column("by", lambda row: f"{row['by']} on {row['node']}" if row.get("node") else row["by"]),
    Column("time", lambda row: row["rung"] + 1, right=True),
    Column("why", "cause", least=20),
)
ALLOW_COLUMNS = (
    Column("client or network", "key"),
    Column("to go", lambda row: written_span(row["remaining"]), right=True),
    Column("why", "why", least=20),
)

why_option = click.option("--why", default="", metavar="TEXT", help="The reason, for the list and the journal.")


@click.command(short_help="Ban a client or a network for a while.")
@click.argument("key")
@click.option("--for", "span", default="1h", show_default=True, metavar="TIME", help='How long: "10m", "1h", "7d".')
@why_option
@format_option
@config_option
def ban(key: str, span: str, why: str, form: str, config: Path | None) -> None:
    """Ban KEY: an IPv4 address, an IPv6 address (its /64), or a network such as 192.0.2.0/24.

    A longer ban in force stays. Exempt clients pass in spite of a ban. A whole ASN is not banned: write a rule.
    """
    done = node_of(config).call("POST", "bans", {"key": key, "for": amount(span), "why": why})
    entry = done["ban"]
    _say(form, entry, f"banned {entry['key']} for {written_span(entry['remaining'])}{_because(entry['cause'])}")
    _caution(done)


@click.command(short_help="Lift a ban.")
@click.argument("key")
@format_option
@config_option
def unban(key: str, form: str, config: Path | None) -> None:
    """Lift the ban of KEY. Ends with 1 when it is not banned, naming the ban around it where there is one."""
    done = node_of(config).call("DELETE", f"bans/{segment(key)}")
    _say(form, {"lifted": done["lifted"]}, f"lifted the ban of {done['lifted']}")
    _caution(done)


@click.command(short_help="List the bans in force.")
@format_option
@config_option
def bans(form: str, config: Path | None) -> None:
    """List the bans in force, the one that ends last first."""
    found = node_of(config).call("GET", f"bans?count={MOST_LISTED}")
    _list(found["bans"], found["total"], BAN_COLUMNS, form, "nobody is banned")


@click.command(short_help="Never limit, challenge or ban a client.")
@click.argument("key", required=False)
@click.option("--for", "span", default="1d", show_default=True, metavar="TIME", help='How long: "10m", "1h", "7d".')
@click.option("--end", is_flag=True, help="End the allowance of KEY.")
@why_option
@format_option
@config_option
def allow(**given: Any) -> None:
    """Let KEY through for a while: never limited, challenged or banned, whatever its bans. Without KEY, list.

    For good, write it into exempt.clients of the configuration.
    """
    node, form = node_of(given["config"]), given["form"]
    if given["key"] is None:
        found = node.call("GET", f"allow?count={MOST_LISTED}")
        _list(found["allowances"], found["total"], ALLOW_COLUMNS, form, "nobody is allowed by hand")
        return
    if given["end"]:
        done = node.call("DELETE", f"allow/{segment(given['key'])}")
        _say(form, done, f"ended the allowance of {done['ended']}")
        return
    done = node.call("POST", "allow", {"key": given["key"], "for": amount(given["span"]), "why": given["why"]})
    entry = done["allowance"]
    _say(form, entry, f"allowed {entry['key']} for {written_span(entry['remaining'])}{_because(entry['why'])}")
    _caution(done)


@click.command(short_help="Let the running node read its configuration again.")
@format_option
@config_option
def reload(form: str, config: Path | None) -> None:
    """Let the node read its configuration again. With problems it keeps the old one, names all of them, ends with 2."""
    try:
        done = node_of(config).call("POST", "reload", {"by": whoever()}, patience=RELOAD_PATIENCE)
    except DeclinedError as refused:
        problems = refused.problem.get("problems")
        if not problems:
            raise
        for problem in problems:
            click.echo(printable(str(problem)), err=True)
        click.echo("not reloaded: the node keeps the configuration it has", err=True)
        sys.exit(2)
    _say(form, {"policy": done["policy"]}, f"reloaded, policy {done['policy']}")
    _caution(done)


def whoever() -> str:
    """Return the name of whoever sits at the keyboard, as far as this machine tells; '' when it does not."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError):  # an account without a name, as in some containers
        return ""


def amount(span: str) -> str | float:
    """Return a time as the node reads it: words stay words, a plain number is seconds."""
    return float(span) if span.replace(".", "", 1).isdecimal() and span.isascii() else span


def _say(form: str, entry: dict[str, Any], sentence: str) -> None:
    if form == "table":
        click.echo(printable(sentence))
    else:
        Listing((), form, sys.stdout).write([entry])


def _list(entries: list[dict[str, Any]], total: int, columns: tuple[Column, ...], form: str, nothing: str) -> None:
    Listing(columns, form, sys.stdout).write(entries)
    if form == "table" and not entries:
        click.echo(nothing)
    if total > len(entries):
        click.echo(f"note: {total - len(entries)} more are in force", err=True)


def _because(why: str) -> str:
    return f": {why}" if why else ""


def _caution(done: dict[str, Any]) -> None:
    for caution in done["cautions"]:
        click.echo(f"note: {printable(caution)}", err=True)
