"""Row: as many distinct clients as this machine sends in a minute, and one that misbehaves among them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from benchmarks.comparison import room_in
from benchmarks.cores import on_cores, processor_seconds
from benchmarks.crowd import GRACE
from benchmarks.node import ROOT, Node
from benchmarks.resident import Resident, resident
from benchmarks.rows.finding import Finding, Result, at_most, holds

if TYPE_CHECKING:
    from benchmarks.comparison import Bench

CLIENTS = 1_700_000
SECONDS = 60.0
FIRST = 100_000
"""Clients after which memory shall hardly grow any more; the first third where fewer come than three times as many."""
GROWTH = 0.20
SLOTS = 4_194_304
TABLE_MIB = SLOTS * 16 / 2**20
PEST_RATE = 40.0
RATE, BURST = 10.0, 50.0
"""The limit of one client, as it is by default: what the pest may have is known to the request."""
SLACK = 2
"""Requests by which two clocks, the generator's and the node's, may count the pest's allowance apart."""

TRUST = 'trusted_proxies = ["127.0.0.0/8"]\nclient_address = "proxy-protocol"'
MORE = """
[challenge]
suspicion = 0
[bans]
unanswered = 1000000
floods = 1000000
"""


@dataclass(slots=True)
class Watched:
    """What the run said, and how the node stood at each step of it."""

    result: dict[str, Any] = field(default_factory=dict)
    steps: list[tuple[int, Resident]] = field(default_factory=list)

    def growth(self) -> float | None:
        """By which share memory grew after the first clients; None where there were too few to say."""
        last = self.result["clients"]
        early = min(FIRST, last // 3)
        looks = [look for clients, look in self.steps if clients >= early]
        return looks[-1].bytes / looks[0].bytes - 1.0 if len(looks) > 1 else None


def crowd(bench: Bench, clients: int = CLIENTS, seconds: float = SECONDS) -> Result:
    """Every client comes on a connection of its own, is new, and gets the page of a challenge."""
    bench.tell(f"crowd: up to {clients:,} clients in {seconds:.0f} s")
    with room_in(bench.space, "crowd") as room:
        node = Node(room, bench.cores.server, server=TRUST, state=f"buckets = {SLOTS}", more=MORE)
        with node:
            before = processor_seconds(node.pid)
            watched = watch(node, bench.cores.load, clients, seconds)
            used = processor_seconds(node.pid) - before
            counters = node.counters()
        written = node.weights().total()
    return Result(_findings(watched, used, counters["shieldproxy_bucket_evictions_total"], written))


def watch(node: Node, cores: frozenset[int], clients: int, seconds: float) -> Watched:
    """Send the crowd to `node` and look at its memory at each step."""
    argv = [sys.executable, "-m", "benchmarks.crowd", node.url + "/page.html"]
    argv += ["--clients", str(clients), "--seconds", str(seconds), "--pest-rate", str(PEST_RATE)]
    watched = Watched()
    with on_cores(cores):
        sender = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    with sender:
        try:
            assert sender.stdout is not None
            _follow(sender.stdout, node, watched)
            if sender.wait(GRACE * 2):
                raise RuntimeError("the crowd did not come to its end")
        finally:
            sender.kill()
    return watched


def _follow(lines: IO[str], node: Node, watched: Watched) -> None:
    for line in lines:
        said = json.loads(line)
        watched.steps.append((said["clients"], resident(node.pid)))
        watched.result = said


def _findings(watched: Watched, used: float, evictions: float, written: int) -> list[Finding]:
    result = watched.result
    sent, took = result["clients"], result["seconds"]
    asked = sum(result["statuses"].values()) + sum(result["pest"].values())
    throttled = result["pest"].get("429", 0)
    served = sum(result["pest"].values()) - throttled
    allowed = BURST + RATE * result["pest_seconds"]
    growth = watched.growth()
    errors = f"; {result['errors']}" if result["errors"] else ""
    return [
        Finding(
            "crowd",
            "distinct clients in 60 s on the wire",
            f"{CLIENTS:,}",
            f"{sent:,} in {took:.0f} s",
            sent / CLIENTS,
            f"as many as two cores send; {used / sent * 1e6:.0f} us of processor a client{errors}",
        ),
        at_most("crowd", "table of buckets, MiB", TABLE_MIB, 64.0, form="{:.0f}", note=f"{evictions:.0f} evictions"),
        at_most(
            "crowd",
            "growth of memory after the first 100,000",
            None if growth is None else max(0.0, growth),
            GROWTH,
            form="{:.1%}",
            note=f"{watched.steps[-1][1].bytes / 2**20:.0f} MiB at the end",
        ),
        holds(
            "crowd",
            "one that misbehaves among them",
            f"{served} of {served + throttled} let through",
            true=0 < served <= allowed + SLACK,
            wanted=f"<= {allowed:.0f} (+{SLACK})",
            note=f"{BURST:.0f} at once and {RATE:.0f}/s; fewer when the machine stalls, and row tables is exact",
        ),
        holds(
            "crowd",
            "weights in the journal, of requests answered",
            f"{written:,} of {asked:,}",
            true=written == asked,
            wanted="equal",
        ),
    ]
