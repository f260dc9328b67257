"""Where the time of a request goes: ``python -m benchmarks.profiling challenge``.

py-spy (MIT; ``pip install py-spy``) looks at a worker under load some hundred times a second; each look is counted to
the part of the work that was being done. Looks at a thread that waits are left out. Shares, not times: they hold on a
machine that others use too.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks.answers import ANSWER_PATH, foreign_answer, forged_answer
from benchmarks.comparison import MEMORY
from benchmarks.cores import assign, available_cores, family
from benchmarks.generators import Load, run_load
from benchmarks.node import Node
from benchmarks.origin import Origin
from benchmarks.peers.shieldproxy import CHALLENGE, STRANGERS
from benchmarks.plan import Via
from benchmarks.report import markdown
from benchmarks.rows import crowd

if TYPE_CHECKING:
    from collections.abc import Iterable

WARM_SECONDS = 2.0
PATIENCE = 30.0
LOOKS = 300  # a second; more would hold the worker up
WIDE = """
[limits.client]
scope = "client"
rate = 1000000
burst = 1000000
action = "throttle"
[posture]
floor = 1000000
"""
EVERYBODY = Load(clients=1 << 24, via=Via.FORWARDED)
WAITING = re.compile(r"(Event|Condition)\.wait|SelectorEventLoop|_worker \(concurrent")
PARTS = (
    ("the journal's thread", r"Journal\._run"),
    ("who it is: addresses, labels, names of buckets", r"Guard\.meet|Identity\.|caller_of|peer_of|proxy_protocol"),
    ("gathering and judging", r"Guard\.decide"),
    ("counting and keeping the record", r"Guard\.settle|Exchange\.finish"),
    ("sending", r"Conversation\.write|\.send\b"),
    ("the origin's side", r"origin_side|pool\.py|forwarding|Forward"),
    ("our own answer: page, puzzle, judgement of an answer", r"Guard\.reply|Gate\.|serve_own|Exchange\.respond"),
    ("reading the head", r"RequestReader|KnownHeads|request_heads"),
    ("the rest of a connection", r"ClientConnection"),
)
REST = "the loop: waiting for events, accepting, closing, receiving"


def shares(lines: Iterable[str]) -> Counter[str]:
    """Looks by part, of py-spy's raw form: frames from the outermost on with ``;`` between, a space, and how often."""
    counted: Counter[str] = Counter()
    for line in lines:
        stack, _, times = line.rpartition(" ")
        if not stack or WAITING.search(stack):
            continue
        part = next((name for name, pattern in PARTS if re.search(pattern, stack)), REST)
        counted[part] += int(times)
    return counted


def profile(what: str, seconds: float, room: Path) -> Counter[str]:
    """Put a node with its files in `room` under the load called `what` and look at its worker for `seconds`."""
    spy = shutil.which("py-spy") or shutil.which("py-spy", path=str(Path(sys.executable).parent))
    if spy is None:
        raise click.UsageError("py-spy is not installed: pip install py-spy")
    cores = assign(available_cores())
    server = {"pass": "", "crowd": crowd.TRUST}.get(what, STRANGERS)
    more = {"pass": WIDE, "crowd": crowd.MORE}.get(what, CHALLENGE)
    (room / "origin").mkdir()
    with ExitStack() as stack:
        origin = stack.enter_context(Origin(room / "origin", cores.origin))
        node = stack.enter_context(Node(room, cores.server, origin=origin.url, server=server, more=more))
        send = partial(_send, what, node, cores.load)
        send(WARM_SECONDS)
        words = [spy, "record", "-r", str(LOOKS), "-d", f"{seconds:.0f}", "-f", "raw", "-o", str(room / "looks")]
        words += ["-p", str(family(node.pid)[1])]  # the one worker
        spying = stack.enter_context(subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        give_up = time.monotonic() + seconds + PATIENCE
        while spying.poll() is None and time.monotonic() < give_up:
            send(seconds)
        spying.kill()
    return shares((room / "looks").read_text().splitlines())


def _send(what: str, node: Node, cores: frozenset[int], seconds: float) -> None:
    if what == "crowd":
        crowd.watch(node, cores, crowd.CLIENTS, seconds)
        return
    answers = {"forged": forged_answer, "foreign": foreign_answer}
    load = Load() if what == "pass" else EVERYBODY
    if what in answers:
        load = replace(load, path=ANSWER_PATH, form=answers[what](node.url))
    run_load(node.url, load, seconds, cores)


@click.command()
@click.argument("what", type=click.Choice(["pass", "challenge", "forged", "foreign", "crowd"]))
@click.option("--seconds", default=8.0, show_default=True, type=click.FloatRange(1, 120))
def main(what: str, seconds: float) -> None:
    """Profile a worker under a load and print the shares as a table."""
    space = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=space, prefix="shieldproxy-profile-") as room:
        counted = profile(what, seconds, Path(room))
    total = max(1, counted.total())
    rows = [(part, f"{count / total:.0%}") for part, count in counted.most_common()]
    click.echo(markdown((f"{what}, {total:,} looks", "share"), rows))


if __name__ == "__main__":
    main()
