"""Rows about records: how many a second the journal takes without holding anybody up, and whether none is missing."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.browser import FIELDS
from benchmarks.comparison import room_in
from benchmarks.generators import Load, run_load
from benchmarks.node import Node, weights_in
from benchmarks.plan import Via
from benchmarks.rows.finding import Finding, Result, at_least, holds, told
from shieldproxy.core.addresses import parse_address
from shieldproxy.core.buckets import Reading
from shieldproxy.core.facts import Facts, NetworkLabel, Request
from shieldproxy.core.verdict import Action, Verdict
from shieldproxy.guard.decisions import Decision, Outcome
from shieldproxy.guard.recording import Draft
from shieldproxy.guard.visits import Peer, visit, visitor_of
from shieldproxy.journal.segment_writer import SegmentWriter
from shieldproxy.journal.writer import Journal
from shieldproxy.settings.compiling import compile_policy
from shieldproxy.settings.reading import load
from shieldproxy.state.buckets import BucketTable
from shieldproxy.state.slots import SlotTable, bytes_for

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.comparison import Bench

A_SECOND = 100_000
SECONDS = 5.0
CLIENTS = 1_000
TICK = 0.001

TRUST = 'trusted_proxies = ["127.0.0.0/8"]\nclient_address = "x-forwarded-for"'
MORE = """
[limits.client]
scope = "client"
rate = 1
burst = 1
action = "throttle"
[challenge]
suspicion = 0
[bans]
unanswered = 1000000
floods = 10000000
offences = 1000000
"""
LOADS = (
    Load(connections=32),
    Load(connections=32, via=Via.FORWARDED, clients=CLIENTS),
    Load(connections=32, via=Via.FORWARDED, clients=1 << 24),
)
"""One address that floods, a thousand that do, and one stranger after the other."""
LOAD_SECONDS = 3.0


@dataclass(slots=True)
class Accepted:
    """What a journal did with a flood of records."""

    seconds: float
    taken: int
    lost: int
    written: int
    weights: int
    median_us: float
    """Of handing over one, in batches of a millisecond."""
    p99_us: float


def records(bench: Bench) -> Result:
    """Both: the journal alone at its rate, and a node under three floods whose requests are all in the journal."""
    return Result([*_alone(bench), *_under_floods(bench)])


def _alone(bench: Bench) -> list[Finding]:
    bench.tell(f"records: {A_SECOND:,} a second for {SECONDS:.0f} s")
    with room_in(bench.space, "records") as room:
        found = flood_journal(room, int(A_SECOND * SECONDS))
    rate = found.taken / found.seconds
    note = f"of {CLIENTS:,} clients, in {found.written:,} lines"
    return [
        at_least("records", "records accepted a second", rate, A_SECOND * 0.99, form="{:,.0f}", note=note),
        told(
            "records",
            "handing one over, median / p99 of a hundred, us",
            f"{found.median_us:.1f} / {found.p99_us:.1f}",
            "the writing thread takes turns with us",
        ),
        holds(
            "records",
            "sum of weights, of records handed over",
            f"{found.weights:,} of {found.taken:,}",
            true=found.weights + found.lost == found.taken,
            wanted="all but those counted as lost",
        ),
        holds(
            "records",
            "counted as lost, at that rate",
            f"{found.lost:,}",
            true=not found.lost,
            wanted="0",
            note="the queue overflows where the writing thread gets no processor",
        ),
    ]


def _under_floods(bench: Bench) -> list[Finding]:
    with room_in(bench.space, "records") as room:
        with Node(room, bench.cores.server, server=TRUST, more=MORE) as node:
            answered = 0
            for number, load in enumerate(LOADS, start=1):
                bench.tell(f"records: flood {number} of {len(LOADS)}")
                # Ours even where wrk could do it: it waits for each answer, so what was sent is what was answered.
                answered += run_load(node.url, load, LOAD_SECONDS, bench.cores.load, own=True).requests
        written = node.weights().total()
        lines = sum(path.read_bytes().count(b"\n") for path in (room / "journal").rglob("*.jsonl"))
    return [
        holds(
            "records",
            "sum of weights, of requests sent to a node",
            f"{written:,} of {answered:,}",
            true=written == answered,
            wanted="equal",
            note=f"in {lines:,} lines",
        )
    ]


def flood_journal(room: Path, count: int) -> Accepted:
    """Hand `count` refusals of CLIENTS clients to a journal in `room`, as evenly as the clock allows."""
    journal = Journal(
        SegmentWriter(room / "flood", "bench-0", wall=time.time, monotonic=time.monotonic),
        monotonic=time.monotonic,
        report=lambda _: None,
    )
    drafts = _drafts()
    waits: list[float] = []
    journal.open()
    gc.freeze()  # as a worker does
    began = time.perf_counter()
    given = 0
    batch = int(A_SECOND * TICK)
    while given < count:
        due = began + given / A_SECOND
        while (left := due - time.perf_counter()) > 0:
            time.sleep(left)
        started = time.perf_counter()
        for n in range(given, given + batch):
            draft = drafts[n % CLIENTS]
            journal.put(draft._replace(decision=draft.decision._replace(id=f"{n:x}")))
        given += batch
        waits.append(time.perf_counter() - started)
    seconds = time.perf_counter() - began
    journal.close()
    gc.unfreeze()
    weights = weights_in(room / "flood").total()
    waits.sort()
    median_us, p99_us = (waits[int(len(waits) * share)] * 1e6 / batch for share in (0.5, 0.99))
    return Accepted(seconds, given, journal.lost, journal.written, weights, median_us, p99_us)


def _drafts() -> list[Draft]:
    """A refusal for each client, made of what a guard makes them of."""
    policy = compile_policy(load(None))
    table = BucketTable(SlotTable(bytearray(bytes_for(1_024))), b"records")
    limit = policy.limits[0]
    headers = {name.lower().encode(): value.encode() for name, value in FIELDS}
    request = Request("GET", "service.example", "/page.html", "", "1.1", headers, "", "/page.html")
    verdict = Verdict(Action.THROTTLE, "over_own_limit", limit.name, 1.0, 429)
    drafts = []
    for n in range(CLIENTS):
        address = parse_address(f"192.0.{2 + n // 250}.{n % 250}")
        assert address is not None
        known = visit(policy, visitor_of(address, NetworkLabel()), table, 0)
        facts = Facts(known.visitor, request, readings=(Reading(limit, -1.0),))
        decision = Decision("", Peer(known.visitor.address, 40_000), known, facts, verdict, enforced=True)
        drafts.append(Draft(decision, Outcome(429, 700, 900, 50), time.time(), "bench-0", ""))
    return drafts
