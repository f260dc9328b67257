"""``shieldproxy status``: how the running node is doing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from shieldproxy.cli.options import config_option, format_option
from shieldproxy.cli.output import Listing, console_for
from shieldproxy.cli.reach import ask_status, node_of
from shieldproxy.cli.spans import share, written_count, written_span
from shieldproxy.core.printing import printable
from shieldproxy.core.verdict import ACTIONS
from shieldproxy.intel.databases import STALE_DAYS

POSTURE_STYLES = {"calm": "green", "elevated": "yellow", "under_attack": "bold red"}
ACTION_STYLES = {"admit": "green", "challenge": "blue", "throttle": "yellow", "refuse": "red", "drop": "magenta"}
ORIGIN_WORDS = {True: "answers", False: "DOES NOT ANSWER", None: "not asked yet"}
DAY = 86_400.0


@click.command(short_help="How the running node is doing.")
@format_option
@config_option
def status(form: str, config: Path | None) -> None:
    """Show mode, posture, traffic in total and in the last minute, origin, bans, databases and journal of the node."""
    found = ask_status(node_of(config))
    if form != "table":
        Listing((), form, sys.stdout).write([found])
        return
    show(found)


def show(found: dict[str, Any]) -> None:
    """Write a status for people."""
    from rich.table import Table  # noqa: PLC0415 - only tables pay for it
    from rich.text import Text  # noqa: PLC0415

    console = console_for(sys.stdout)
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text, style in lines(found):
        table.add_row(Text(name, style="dim"), Text(printable(text), style=style))
    console.print(table)


def lines(found: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield a status as (name, text, style of rich)."""
    yield (
        "node",
        f"{found['node']}, version {found['version']}, pid {found['pid']}, up {written_span(found['uptime'])}",
        "",
    )
    observing = found["mode"] == "observe"
    yield "mode", "observe: everything passes, decisions are only written down" if observing else found["mode"], ""
    episode = f" (episode {found['episode']})" if found["episode"] else ""
    why = f", {found['posture_reason']}" if found["posture_reason"] else ""
    yield "posture", found["posture"].replace("_", " ") + why + episode, POSTURE_STYLES.get(found["posture"], "")
    for words in found["excess"]:
        yield "in excess", words, "yellow"
    yield "listens", ", ".join(found["listen"]), ""
    origin = found["origin"]
    detail = f": {origin['detail']}" if origin["detail"] else ""
    style = "bold red" if origin["up"] is False else ""
    yield "origin", f"{origin['url']} {ORIGIN_WORDS[origin['up']]}{detail}", style
    restarts = f", {found['worker_restarts']} restarts" if found["worker_restarts"] else ""
    short = found["workers"] < found["workers_wanted"]
    yield "workers", f"{found['workers']} of {found['workers_wanted']}{restarts}", "bold red" if short else ""
    yield "last minute", counts(found["last_minute"]), ""
    yield "in total", counts(found["requests"]), ""
    yield "bans", f"{found['bans']} in force, {found['allowances']} allowed by hand", ""
    for database in found["geo"]["databases"]:
        old = database["age"] > STALE_DAYS * DAY
        text = f"{database['kind']}: {database['type']} ({database['origin']}), {database['age'] / DAY:.0f} days old"
        yield "geo", text, "yellow" if old else ""
    journal = found["journal"]
    text = f"{journal['directory']}, {written_count(journal['records'])} records, {written_count(journal['lost'])} lost"
    yield "journal", text, "bold red" if journal["lost"] or journal["problem"] else ""
    if found["shared"]["server"]:
        yield shared(found["shared"])
    yield "policy", f"{found['policy']} from {found['config'] or 'the built-in defaults'}", ""
    for name, texts in (
        ("not reloaded", found["reload_refused"]),
        ("at next start", [", ".join(found["waiting"])] if found["waiting"] else []),
        ("degraded", found["degraded"]),
        ("journal", [journal["problem"]] if journal["problem"] else []),
    ):
        for text in texts:
            yield name, text, "bold red"


def shared(found: dict[str, Any]) -> tuple[str, str, str]:
    """Return the line about the server over which nodes share their bans."""
    waiting = f", {found['waiting']} to be told" if found["waiting"] else ""
    text = (
        f"{found['server']} {ORIGIN_WORDS[found['up']]}, {found['sent']} rulings told, {found['taken']} taken{waiting}"
    )
    return "shared", text, "bold red" if found["up"] is False else ""


def counts(by_action: dict[str, int]) -> str:
    """Return requests by action in one line, the whole first."""
    whole = sum(by_action.values())
    parts = [f"{action} {written_count(by_action[action])}" for action in ACTIONS if by_action.get(action)]
    admitted = by_action.get("admit", 0)
    rest = f", {share(whole - admitted, whole)} not admitted" if whole else ""
    return f"{written_count(whole)} requests{rest}" + (f" ({', '.join(parts)})" if parts else "")
