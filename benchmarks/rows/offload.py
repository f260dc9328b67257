"""Row: what a banned client costs that goes on when the kernel drops for us, and whether each packet is written down.

In two network namespaces of its own with a cable between them; no packet leaves them. It needs root and nft.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.comparison import room_in
from benchmarks.cores import on_cores, processor_seconds
from benchmarks.node import ROOT, Node
from benchmarks.rows.finding import Result, at_most, holds, left_out, told
from tests.lan import DOOR, SHIELD4, VISITORS4, Lan, lan, missing

if TYPE_CHECKING:
    from benchmarks.comparison import Bench

BANNED = VISITORS4[0]
SECONDS = 5.0
ATTEMPTS = 100_000
NEXT_TO_NOTHING = 1.0
"""Microseconds of processor for one attempt that count as none: looks at the counters, every two seconds."""
PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Stood:
    """What one run cost."""

    attempts: int
    cpu_s: float
    seconds: float
    dropped: int
    """Attempts that the journal says the kernel dropped."""

    @property
    def cpu_us(self) -> float:
        """Microseconds of the node's processor for one attempt, what it costs to stand there taken off."""
        return max(0.0, self.cpu_s) * 1e6 / self.attempts if self.attempts else 0.0


def offload(bench: Bench) -> Result:
    """The same banned client against a node with the kernel's help and one without."""
    asked = "banned address, us of processor an attempt"
    why = missing()
    if why:
        return Result([left_out("offload", asked, f"<= {NEXT_TO_NOTHING:g}", f"needs {why}")])
    bench.tell("offload: with nftables")
    helped = stand(bench, "nftables")
    bench.tell("offload: without")
    alone = stand(bench, "none")
    return Result(
        [
            at_most(
                "offload",
                asked,
                helped.cpu_us,
                NEXT_TO_NOTHING,
                note=f"{helped.attempts:,} attempts at {helped.attempts / helped.seconds:,.0f}/s",
            ),
            holds(
                "offload",
                "dropped, counted back into the journal",
                f"{helped.dropped:,} of {helped.attempts:,}",
                true=helped.dropped == helped.attempts,
                wanted="equal",
            ),
            told("offload", "the same without offload", f"{alone.cpu_us:.1f} us", "accepted and closed, no byte read"),
        ]
    )


def stand(bench: Bench, backend: str) -> Stood:
    """Ban a client and let it try to connect for SECONDS; what that cost beyond standing there as long."""
    with room_in(bench.space, "offload") as room, lan() as made:
        node = Node(
            room,
            bench.cores.server,
            listen=f"0.0.0.0:{DOOR}",
            more=f'[offload]\nbackend = "{backend}"',
            before=made.command("true")[:-1],
        )
        with node:
            made.run(sys.executable, "-m", "shieldproxy", "ban", BANNED, "--for", "1h", "-c", str(node.config))
            _wait_for_ban(made, backend)
            idle = processor_seconds(node.pid)
            time.sleep(SECONDS)
            idle, before = processor_seconds(node.pid) - idle, processor_seconds(node.pid)
            attempts, seconds = _attempt(made, bench)
            used = processor_seconds(node.pid) - before
        return Stood(attempts, used - idle * seconds / SECONDS, seconds, node.weights()["offload"])


def _attempt(made: Lan, bench: Bench) -> tuple[int, float]:
    words = (sys.executable, "-m", "benchmarks.syns", BANNED, SHIELD4, str(DOOR), str(SECONDS), str(ATTEMPTS))
    with on_cores(bench.cores.load):
        done = subprocess.run(
            made.command(*words, inside=made.visitors), cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
        )
    said = json.loads(done.stdout)
    return said["attempts"], said["seconds"]


def _wait_for_ban(made: Lan, backend: str) -> None:
    give_up = time.monotonic() + PATIENCE
    while backend == "nftables" and BANNED not in made.run("nft", "list", "ruleset"):
        if time.monotonic() > give_up:
            raise RuntimeError("the kernel did not hear of the ban")
        time.sleep(0.1)
