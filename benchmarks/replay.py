"""``python -m benchmarks.replay``: how many requests a second a replay judges, and processor time for each."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

import click

from shieldproxy.app.replay.past import Past
from shieldproxy.app.replay.replaying import replay
from shieldproxy.settings.reading import load

CONFIG = Path(__file__).parent.parent / "config.toml"
START = 1_705_478_400  # 2024-01-17, the day of the GovCERT flood
REQUESTS = 300_000
ROUNDS = 3
# As in make field: people at 30 requests a second, a flood of 948 addresses in 11 networks at 179.
PEOPLE_RATE, FLOOD_RATE, BOTS, BOT_NETWORKS = 30, 179, 948, 11
# The share of all requests that is the flood's.
FLOOD_SHARE = 0.3
AGENTS = tuple(
    f"Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"
    for system in ("Windows NT 10.0; Win64; x64", "X11; Linux x86_64", "Macintosh; Intel Mac OS X 10.15")
    for version in range(100, 140)
)
# What is tried: a configuration that differs from the one in force in one limit.
TRIED = "rate = 10\nburst = 50", "rate = 4\nburst = 30"


class Run(NamedTuple):
    """One replay: requests, seconds by the clock, and seconds of processor time of all its processes."""

    requests: int
    wall: float
    cpu: float


def people(chance: random.Random, seconds: int) -> Iterator[tuple[int, str]]:
    """Yield visits: a few pages each, with their pictures, styles and scripts, from networks all over."""
    for second in range(seconds):
        if chance.random() > PEOPLE_RATE / 27:
            continue
        address = (
            f"{chance.randrange(1, 223)}.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(1, 255)}"
        )
        agent, moment = chance.choice(AGENTS), second
        for _ in range(chance.randint(1, 5)):
            yield moment, line(moment, address, f"/page/{chance.randrange(3_000)}", agent)
            for _ in range(chance.randint(3, 14)):
                kind = chance.choice(("css", "js", "png"))
                yield moment + 1, line(moment + 1, address, f"/static/{chance.randrange(300)}.{kind}", agent)
            moment += chance.randint(5, 60)


def flood(chance: random.Random, begin: int, seconds: int) -> Iterator[tuple[int, str]]:
    """Yield the requests of the bots: pages only, each with a query of its own."""
    networks = [f"{chance.randrange(1, 223)}.{chance.randrange(256)}" for _ in range(BOT_NETWORKS)]
    bots = [f"{chance.choice(networks)}.{chance.randrange(256)}.{chance.randrange(1, 255)}" for _ in range(BOTS)]
    for second in range(begin, begin + seconds):
        for _ in range(FLOOD_RATE):
            target = f"/page/{chance.randrange(3_000)}?q={chance.randrange(10**9)}"
            yield second, line(second, chance.choice(bots), target, AGENTS[3])


def line(second: int, address: str, target: str, agent: str) -> str:
    """Return a line in the combined format."""
    moment = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(START + second))
    return f'{address} - - [{moment}] "GET {target} HTTP/1.1" 200 5120 "https://www.example.org/" "{agent}"'


def write_log(path: Path, requests: int, seed: int) -> None:
    """Write a log of about ``requests`` lines: people all the time, and a flood that begins in the middle."""
    chance = random.Random(seed)
    seconds = round(requests * (1 - FLOOD_SHARE) / PEOPLE_RATE)
    lines = [*people(chance, seconds), *flood(chance, seconds // 2, round(requests * FLOOD_SHARE / FLOOD_RATE))]
    lines.sort(key=lambda timed: timed[0])
    path.write_text("".join(f"{text}\n" for _, text in lines), encoding="latin-1")


def run(log: Path, new: Path, against: Path | None) -> Run:
    """Replay ``log`` in a process of its own, so that each run begins with an empty memory."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=measure, args=(log, new, against, there))
    process.start()
    there.close()
    found: Run = here.recv()
    process.join()
    return found


def measure(log: Path, new: Path, against: Path | None, there: object) -> None:
    """Replay and send what it took."""
    gc.disable()  # as the command does
    settings, old = load(new), load(against) if against is not None else None
    before, began = used(), time.perf_counter()
    requests = replay(Past([log]), settings, old).requests
    there.send(Run(requests, time.perf_counter() - began, used() - before))  # type: ignore[attr-defined]


def used() -> float:
    """Return seconds of processor time of this process and of the children it has waited for."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


@click.command()
@click.option("--requests", default=REQUESTS, show_default=True, type=click.IntRange(1_000, 100_000_000))
@click.option("--rounds", default=ROUNDS, show_default=True, type=click.IntRange(1, 50))
@click.option("--seed", default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def main(*, requests: int, rounds: int, seed: int, as_json: bool) -> None:
    """Replay a log of people and a flood, against what the log says and against another configuration.

    Both ways alternate. Requests a second are by the clock and suffer from what else runs; processor time is of all
    processes together, and less so.
    """
    with tempfile.TemporaryDirectory(prefix="shieldproxy-bench-") as directory:
        log, tried = Path(directory, "access.log"), Path(directory, "new.toml")
        write_log(log, requests, seed)
        text = CONFIG.read_text()
        if TRIED[0] not in text:
            raise click.ClickException(f"{CONFIG} has no limit to change")
        tried.write_text(text.replace(*TRIED))
        ways = {"against the log": None, "against a configuration": CONFIG}
        runs: dict[str, list[Run]] = {way: [] for way in ways}
        for _ in range(rounds):
            for way, against in ways.items():
                runs[way].append(run(log, tried, against))
    busy = os.getloadavg()[0]
    rows = [row_of(way, found) for way, found in runs.items()]
    if as_json:
        click.echo(json.dumps({"rounds": rounds, "load": busy, "rows": rows}))
        return
    click.echo(f"{'replay':<26}{'requests':>10}{'requests/s':>12}{'best':>10}{'CPU us each':>13}{'best':>8}")
    for row in rows:
        click.echo(
            f"{row['way']:<26}{row['requests']:>10,}{row['rate']:>12,.0f}{row['best_rate']:>10,.0f}"
            f"{row['cpu_us']:>13.1f}{row['best_cpu_us']:>8.1f}"
        )
    click.echo(f"medians of {rounds} rounds; load of the machine at the end {busy:.1f} on {os.cpu_count()} processors")


def row_of(way: str, found: list[Run]) -> dict[str, float | str]:
    """Return the figures of one way: medians, and the round that was disturbed least."""
    rates = [one.requests / one.wall for one in found]
    each = [one.cpu / one.requests * 1e6 for one in found]
    return {
        "way": way,
        "requests": found[0].requests,
        "rate": median(rates),
        "best_rate": max(rates),
        "cpu_us": median(each),
        "best_cpu_us": min(each),
    }


if __name__ == "__main__":
    main()
