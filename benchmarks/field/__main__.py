"""``python -m benchmarks.field``: the table of the field from one command, about four minutes a play."""

from __future__ import annotations

import asyncio
import sys

import click
from rich.console import Console
from rich.table import Table

from benchmarks.field.peers import nginx
from benchmarks.field.plays import DEFENCES, OURS, RATES, Played, Times, perform
from benchmarks.field.score import Row, beside, rows_of

TITLES = {
    "botnet": "the flood of 2024-01-17: 948 addresses of 11 networks, 179 requests/s",
    "swarm": "twenty times faster, from 100,000 addresses of 3,000 networks",
    "crowd": "no attack: twenty times as many people, from their homes",
}
QUICK = Times(20.0, 40.0, 0.0)
SHORT = Times(30.0, 80.0, 0.0)


@click.command()
@click.option("--seed", default=1, show_default=True, help="Who sits where, and when they ask.")
@click.option("--quick", is_flag=True, help="A first look: half a minute of flood, no return to calm.")
@click.option("--play", "plays", multiple=True, type=click.Choice(list(TITLES)), help="Repeatable; default: all.")
@click.option("--peers", is_flag=True, help="Also what others make of the flood: nginx, and a challenge for everybody.")
@click.option("--set", "extra", multiple=True, metavar="KEY=TOML", help="Another value for the node, as with run.")
def main(seed: int, plays: tuple[str, ...], extra: tuple[str, ...], *, quick: bool, peers: bool) -> None:
    """Plays people, floods and crowds before a node with the repository's configuration, and prints what came of it."""
    console = Console(highlight=False, width=110)
    missed = 0
    for kind in plays or TITLES:
        times = QUICK if quick else Times() if kind == "botnet" else SHORT
        played = asyncio.run(perform(kind, seed, times, extra))
        rows = rows_of(kind, played)
        console.print(table(kind, seed, rows, played))
        missed += sum(row.met is False for row in rows)
    for defence in DEFENCES[1:] if peers else ():
        if defence in RATES and nginx() is None:
            console.print(f"{defence}: nginx is not installed, left out")
            continue
        played = asyncio.run(perform("botnet", seed, QUICK if quick else SHORT, (), defence))
        console.print(table("botnet", seed, beside("botnet", played), played, defence))
    sys.exit(1 if missed else 0)


def table(kind: str, seed: int, rows: list[Row], played: Played, defence: str = OURS) -> Table:
    """Return the figures of one play as people read them."""
    drawn = Table(title=f"{defence}: {TITLES[kind]} (seed {seed})", caption=str(played.directory))
    for name in ("", "found", "target", ""):
        drawn.add_column(name, overflow="fold")
    words = {True: "met", False: "MISSED", None: ""}
    for row in rows:
        drawn.add_row(row.name, row.found, row.target, words[row.met])
    return drawn


if __name__ == "__main__":
    main()
