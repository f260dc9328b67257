"""A soak: hours of a mixed day in minutes, and whether the node is afterwards what it was.

    .venv/bin/python -m benchmarks.soak --seconds 600

People who answer their challenge and browse, strangers who do not, floods that end in bans, requests that a rule
refuses, forged answers, uploads, WebSockets, clients that write and read slowly, connections that say nothing, and a
reload every few seconds. At the end every request that was sent stands in the journal, memory and open files are flat.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import click

from benchmarks.cores import available_cores
from benchmarks.generators import Load, run_load
from benchmarks.node import ROOT, Node
from benchmarks.plan import Via
from benchmarks.processes import Process, free_port
from benchmarks.resident import Resident, resident
from benchmarks.soak_visitors import CAST, STRANGERS, Stage, act

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1 << 20
LEAST_SECONDS = 10.0
GROWTH_SHARE, GROWTH_BYTES = 0.05, 4 * MIB
GROWTH_FILES = 40
"""Connections that happen to be open at the moment of a look come and go by so many."""
WARM_SECONDS = 5.0
"""For so long everybody comes at once before anything is compared: caches that turn over are full from then on."""
RELOAD_S = 3.0
LOOK_S = 0.5
WORKERS = 2

SERVER = """
trusted_proxies = ["127.0.0.0/8"]
client_address = "x-forwarded-for"
[server.timeouts]
header = "4s"
"""
MORE = """
[limits.client]
scope = "client"
rate = 1
burst = 20
action = "throttle"
[limits.clearance]
scope = "clearance"
rate = {rate}
burst = 200
action = "throttle"
[challenge]
cost = 10
suspicion = 0
[bans]
ladder = ["3s", "5s"]
floods = 100
offences = 60
unanswered = 1000000
[[rules]]
name = "closed"
when = {{ path = "/closed*" }}
action = "refuse"
[[rules]]
name = "open"
when = {{ path = "/open/*" }}
action = "admit"
"""


@dataclass(slots=True)
class Soaked:
    """What a soak found."""

    seconds: float
    sent: Counter[str]
    """Requests by who sent them."""
    answers: Counter[str]
    """By who and what came: a status, or what happened instead."""
    hurt: int
    """Requests of people that did not get what they asked for."""
    written: int
    reloads: int
    looks: list[Resident] = field(default_factory=list)

    @property
    def warm(self) -> Resident:
        """How it stood in the second quarter, when caches are full and everybody was met: a median of many looks."""
        return _middle(self.looks[len(self.looks) // 4 : len(self.looks) // 2])

    @property
    def last(self) -> Resident:
        """How it stood in the last quarter."""
        return _middle(self.looks[len(self.looks) * 3 // 4 :])

    def complaints(self) -> list[str]:
        """What is not as it should be, in words; empty when all is well."""
        warm, last, sent = self.warm, self.last, self.sent.total()
        found = []
        if self.written != sent:
            found.append(f"the journal has {self.written} of {sent} requests")
        if last.private > warm.private * (1 + GROWTH_SHARE) + GROWTH_BYTES:
            found.append(f"memory grew from {warm.private / MIB:.1f} to {last.private / MIB:.1f} MiB")
        if last.files > warm.files + GROWTH_FILES:
            found.append(f"open files grew from {warm.files} to {last.files}")
        if self.hurt:
            found.append(f"{self.hurt} requests of people failed")
        return found

    def summary(self) -> dict[str, object]:
        """For JSON, and for people."""
        return {
            "seconds": round(self.seconds, 1),
            "requests": self.sent.total(),
            "written": self.written,
            "hurt": self.hurt,
            "reloads": self.reloads,
            "memory_mib": [round(look.private / MIB, 1) for look in (self.warm, self.last)],
            "files": [self.warm.files, self.last.files],
            "sent": dict(self.sent),
            "answers": dict(sorted(self.answers.items())),
            "complaints": self.complaints(),
        }


def soak(seconds: float, room: Path, tell: Callable[[str], None] = lambda _: None) -> Soaked:
    """Let the whole cast play for `seconds` before a node with its files in `room`; ValueError for too few."""
    if seconds < LEAST_SECONDS:
        raise ValueError(f"{seconds:g} s are too short to see anything: at least {LEAST_SECONDS:g}")
    port = free_port()
    words = [sys.executable, "-m", "benchmarks.soak_site", str(port)]
    site = Process(words, log=room / "site.log", cores=available_cores(), cwd=ROOT)
    try:
        site.wait_until_open(port)
        node = Node(
            room,
            available_cores(),
            origin=f"http://127.0.0.1:{port}",
            workers=WORKERS,
            server=SERVER,
            more=MORE.format(rate=100),
        )
        with node:
            crowd = Load(clients=STRANGERS, via=Via.FORWARDED)
            met = run_load(node.url, crowd, WARM_SECONDS, available_cores(), own=True).requests
            found = asyncio.run(_play(node, seconds, tell))
        found.sent["crowd"] = met
        found.written = node.weights().total()
        return found
    finally:
        site.stop()


async def _play(node: Node, seconds: float, tell: Callable[[str], None]) -> Soaked:
    stage = Stage(node.port, seconds)
    began = time.monotonic()
    actors = [asyncio.create_task(act(stage, one)) for one in CAST for _ in range(one.copies)]
    found = Soaked(0.0, stage.sent, stage.answers, 0, 0, 0)
    reloaded = began
    while not stage.over:
        await asyncio.sleep(LOOK_S)
        found.looks.append(await asyncio.to_thread(resident, node.pid))
        if time.monotonic() - reloaded >= RELOAD_S:
            reloaded = time.monotonic()
            found.reloads += 1
            text = node.config.read_text()
            rates = ("rate = 100\n", "rate = 101\n")
            node.config.write_text(text.replace(*(rates if rates[0] in text else rates[::-1])))
            node.signal(signal.SIGHUP)
        tell(f"{time.monotonic() - began:.0f} of {seconds:.0f} s, {stage.sent.total():,} requests, {found.looks[-1]}")
    await asyncio.gather(*actors)
    found.seconds = time.monotonic() - began
    found.hurt = stage.hurt
    return found


def _middle(looks: list[Resident]) -> Resident:
    return Resident(
        private=int(median(look.private for look in looks)),
        shared=int(median(look.shared for look in looks)),
        files=int(median(look.files for look in looks)),
    )


@click.command()
@click.option("--seconds", default=600.0, show_default=True, type=click.FloatRange(LEAST_SECONDS, 86_400.0))
def main(seconds: float) -> None:
    """Soak a node on this machine; exit 1 when something is not as it was."""
    with tempfile.TemporaryDirectory(prefix="shieldproxy-soak-") as room:
        found = soak(seconds, Path(room), lambda text: click.echo(f"\r{text}   ", nl=False, err=True))
    click.echo(err=True)
    click.echo(json.dumps(found.summary(), indent=1))
    sys.exit(bool(found.complaints()))


if __name__ == "__main__":
    main()
