"""``shieldproxy top``: the running node live: actions a second, the busiest networks and clients."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from shieldproxy.cli.client import NodeClient, UnreachableError
from shieldproxy.cli.options import config_option, format_option
from shieldproxy.cli.output import Column, Listing, Row, console_for
from shieldproxy.cli.reach import node_of
from shieldproxy.cli.spans import written_count, written_span
from shieldproxy.cli.status import ACTION_STYLES, POSTURE_STYLES
from shieldproxy.core.printing import printable
from shieldproxy.core.verdict import ACTIONS

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

INTERVAL = 1.0


class Look(NamedTuple):
    """What the node said at one moment; ``at`` is seconds of a monotonic clock."""

    status: dict[str, Any]
    top: dict[str, Any]
    at: float


def done(row: Row) -> str:
    """Return what was done with the requests of a row, in words."""
    return ", ".join(
        f"{action} {written_count(row['actions'][action])}" for action in ACTIONS if row["actions"].get(action)
    )


NETWORK_COLUMNS = (
    Column("network", lambda row: f"AS{row['asn']}" if row["asn"] else "unknown"),
    Column("name", "name", least=12),
    Column("class", "network_class"),
    Column("requests", lambda row: written_count(row["requests"]), right=True),
    Column("what was done", done, least=20),
)
CLIENT_COLUMNS = (
    Column("client", "client"),
    Column("network", lambda row: f"AS{row['asn']}" if row["asn"] else ""),
    Column("requests", lambda row: written_count(row["requests"]), right=True),
    Column("what was done", done, least=20),
)


@click.command(short_help="Watch the running node live.")
@click.option("-n", "--count", type=click.IntRange(1, 100), default=10, show_default=True, help="How many rows.")
@click.option("--once", is_flag=True, help="Show one moment and end; so it is whenever the output is no terminal.")
@format_option
@config_option
def top(count: int, once: bool, form: str, config: Path | None) -> None:  # noqa: FBT001 - click gives flags so
    """Watch the node: requests a second by action, and the busiest networks and clients of the last minute."""
    node = node_of(config)
    if form == "table" and not once and sys.stdout.isatty():
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(watch(node, count, time.monotonic))
        return
    found = node.call("GET", f"top?count={count}")
    if form != "table":
        Listing((), form, sys.stdout).write(found["networks"])
        return
    click.echo(f"last {written_span(found['seconds'])}: {done(found) or 'no requests'}")
    for name, columns in (("networks", NETWORK_COLUMNS), ("clients", CLIENT_COLUMNS)):
        if found[name]:
            click.echo()
            Listing(columns, form, sys.stdout).write(found[name])


async def watch(node: NodeClient, count: int, clock: Callable[[], float]) -> None:
    """Show the node afresh each second until interrupted; raises UnreachableError when it does not answer at first."""
    from rich.live import Live  # noqa: PLC0415 - only a terminal pays for it

    async with node.session() as session:

        async def look() -> Look:
            status = await node.ask(session, "GET", "status")
            return Look(status, await node.ask(session, "GET", f"top?count={count}"), clock())

        before = now = await look()
        silence = ""
        with Live(console=console_for(sys.stdout), screen=True, auto_refresh=False) as live:
            while True:
                live.update(view(before, now, silence), refresh=True)
                await asyncio.sleep(INTERVAL)
                try:
                    before, now, silence = now, await look(), ""
                except UnreachableError as fault:
                    silence = fault.message


def view(before: Look, now: Look, silence: str = "") -> RenderableType:
    """Return what a terminal shows: the difference of two looks, and who is busiest."""
    from rich.console import Group  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    status = now.status
    head = Text()
    head.append(f"shieldproxy {printable(status['node'])}", style="bold")
    head.append(f"  {status['posture'].replace('_', ' ')}", style=POSTURE_STYLES.get(status["posture"], ""))
    head.append(f"  {status['mode']}  up {written_span(status['uptime'])}  {status['bans']} bans  ")
    head.append(f"{status['workers']}/{status['workers_wanted']} workers  ctrl-c ends", style="dim")
    parts: list[RenderableType] = [head, Text(), rates(before, now), Text()]
    if silence:
        parts.insert(1, Text(printable(silence), style="bold red"))
    parts.append(table_of(NETWORK_COLUMNS, now.top["networks"], "no requests in the last minute"))
    if now.top["clients"]:
        parts += [Text(), table_of(CLIENT_COLUMNS, now.top["clients"], "")]
    return Group(*parts)


def rates(before: Look, now: Look) -> RenderableType:
    """Return requests a second by action, between two looks."""
    from rich.text import Text  # noqa: PLC0415

    elapsed = max(now.at - before.at, 0.001)
    line = Text()
    for action in ACTIONS:
        growth = now.status["requests"].get(action, 0) - before.status["requests"].get(action, 0)
        line.append(f"{action} ", style="dim")
        line.append(f"{max(0, growth) / elapsed:,.0f}/s   ", style=ACTION_STYLES[action] if growth > 0 else "dim")
    return line


def table_of(columns: tuple[Column, ...], rows: list[dict[str, Any]], nothing: str) -> Table:
    """Return rows as a table of rich, each value safe for a terminal."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.title, justify="right" if column.right else "left", no_wrap=True, overflow="ellipsis")
    for row in rows:
        table.add_row(*(Text(column.text(row)) for column in columns))
    if not rows:
        table.caption = nothing
    return table
