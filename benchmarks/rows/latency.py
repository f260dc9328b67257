"""Row: how much later an answer comes through a proxy than without, while it is half busy."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.comparison import Bench, measure, room_in
from benchmarks.cores import on_cores
from benchmarks.node import ROOT
from benchmarks.origin import Origin
from benchmarks.peers import ALL, Peer, Task
from benchmarks.rows.finding import Finding, Result, told
from benchmarks.scenarios import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVERS = ("shieldproxy", "nginx", "haproxy")
DIRECT = "direct"
MOST = 5_000.0
"""Requests a second that the generator and the origin can do on one core with time to spare."""


def latency(bench: Bench) -> Result:
    """All servers stand at once and are asked in turn, at half of what shieldproxy can do; and the origin itself."""
    with ExitStack() as stack:
        origin = stack.enter_context(Origin(stack.enter_context(room_in(bench.space, "origin")), bench.cores.origin))
        peers: dict[str, Peer] = {}
        for name in SERVERS:
            if ALL[name].missing():
                continue
            peer = ALL[name](
                Task("pass", origin.url, bench.cores.server), stack.enter_context(room_in(bench.space, name))
            )
            stack.callback(peer.stop)
            peer.start()
            peers[name] = peer
        bench.tell("latency: what half of it is")
        full = measure(peers[SERVERS[0]], SCENARIOS["pass"], origin, bench)
        rate = min(MOST, full.capacity / 2, full.reading.rate / 2)  # the second on a machine that others use too
        urls = {DIRECT: origin.url, **{name: peer.url for name, peer in peers.items()}}
        rounds: dict[str, list[dict[str, float]]] = {name: [] for name in urls}
        for number in range(1, bench.pace.rounds + 1):
            for name, url in urls.items():
                bench.tell(f"latency: round {number} of {bench.pace.rounds}, {name}")
                rounds[name].append(paced(url + "/page.html", rate, bench.pace.seconds, bench.cores.load))
    return Result(_findings(rounds, rate))


def paced(url: str, rate: float, seconds: float, cores: frozenset[int]) -> dict[str, float]:
    """The latencies of a steady load on `url`, by a process of its own."""
    argv = [sys.executable, "-m", "benchmarks.pace", url, "--rate", str(rate), "--seconds", str(seconds)]
    with on_cores(cores):
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True, timeout=seconds + 30)
    said: dict[str, float] = json.loads(done.stdout)
    return said


def _findings(rounds: Mapping[str, list[dict[str, Any]]], rate: float) -> list[Finding]:
    found = []
    for name in rounds:
        p50, p99 = (
            median(there[key] - direct[key] for there, direct in zip(rounds[name], rounds[DIRECT], strict=True))
            for key in ("p50_us", "p99_us")
        )
        failed = sum(one["failed"] for one in rounds[name])
        if name == DIRECT:
            p50, p99 = (median(one[key] for one in rounds[DIRECT]) for key in ("p50_us", "p99_us"))
        asked = f"{'latency without a proxy' if name == DIRECT else f'added by {name}'}, p50 / p99, us"
        note = f"at {rate:,.0f}/s" + (f", {failed:.0f} failed" if failed else "")
        found.append(told("latency", asked, f"{p50:,.0f} / {p99:,.0f}", note))
    return found
