"""The plays: a flood upon a calm day, the same from everywhere, and a crowd of people; what came of each."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from benchmarks.cores import machine_seconds, processor_seconds
from benchmarks.field.grounds import botnet_of, homes, swarm
from benchmarks.field.node import HERE, SITE, Moment, Node, Origin, Ports, episodes, send
from benchmarks.field.peers import Nginx
from benchmarks.field.people import MEAN_REQUESTS, Session, Visitor
from benchmarks.field.sender import SPENT
from benchmarks.field.shots import Volley, botnet_volleys, swarm_volleys
from shieldproxy.cli.demo.addresses import Snapshot
from shieldproxy.cli.demo.stage import free_ports
from shieldproxy.cli.demo.wire import Target

PEOPLE_RATE = 30.0
SWARM_RATE, SWARM_ADDRESSES, SWARM_ASNS = 3_580.0, 100_000, 3_000
CROWD = 20.0
# The first seconds of a flood, in which a defence has to notice it.
FIRST = 20.0
OURS = "shieldproxy"
# nginx with limit_req, by requests a second for each address; and this node when it challenges every newcomer always.
RATES = {"nginx 1/s": 1, "nginx 10/s": 10}
# With a puzzle that costs little, for this machine plays all the browsers.
EVERYBODY = ("challenge.suspicion=0", "challenge.cost=10")
DEFENCES = (OURS, *RATES, "everybody")


class Times(NamedTuple):
    """How long it is calm, how long the flood or crowd lasts, how long it is calm after it; seconds."""

    calm: float = 45.0
    flood: float = 80.0
    after: float = 110.0


class Played(NamedTuple):
    """What happened. ``begin`` is when the flood or crowd began (monotonic); ``seen`` what the site saw."""

    times: Times
    begin: float
    visitors: list[Visitor]
    attackers: frozenset[str]
    sent: dict[str, int]
    volleys: int
    seen: list[tuple[float, str, float]]
    moments: list[Moment]
    directory: Path
    ledger: list[dict[str, Any]]
    wall: float
    early: int
    used: dict[str, float]


class Play:
    """One play with everybody's addresses drawn by ``seed``."""

    def __init__(self, kind: str, seed: int, times: Times, extra: tuple[str, ...] = (), defence: str = OURS) -> None:
        self._kind = kind
        self._defence = defence
        self._times = times
        self._extra = extra
        self._chance = Random(f"{kind} {seed}")
        self._directory = Path(tempfile.mkdtemp(prefix=f"shieldproxy-field-{kind}-"))
        self._visitors: list[Visitor] = []
        self._used: dict[str, float] = {}

    def _cast(self) -> tuple[list[Volley], frozenset[str], list[tuple[float, str]]]:
        """Return volleys, attackers and arrivals of people (seconds from the start, address)."""
        snapshot, chance, times = Snapshot(), self._chance, self._times
        bots = botnet_of(snapshot, chance)
        volleys: list[Volley] = []
        if self._kind == "botnet":
            volleys = botnet_volleys(bots, times.flood, SITE, chance)
        elif self._kind == "swarm":
            addresses = swarm(snapshot, SWARM_ASNS, SWARM_ADDRESSES, chance)
            volleys = swarm_volleys(addresses, SWARM_RATE, times.flood, SITE, chance)
        arrivals = arrivals_of(PEOPLE_RATE, 0.0, sum(times), chance)
        people = homes(snapshot, len(arrivals), bots, chance)
        crowd = arrivals_of(PEOPLE_RATE * CROWD, times.calm, times.flood, chance) if self._kind == "crowd" else []
        more = homes(snapshot, len(crowd), bots, chance, only_isps=True)
        everybody = sorted([*zip(arrivals, people, strict=True), *zip(crowd, more, strict=True)])
        return volleys, frozenset(volley.address for volley in volleys), everybody

    def _shield(self, ports: Ports) -> Node | Nginx:
        if self._defence in RATES:
            return Nginx(ports, self._directory, RATES[self._defence])
        extra = EVERYBODY if self._defence == "everybody" else ()
        return Node(ports, self._directory, (*self._extra, *extra))

    async def perform(self) -> Played:
        """Play and return what happened."""
        volleys, attackers, arrivals = self._cast()
        ports = free_ports()
        origin, node = Origin(), self._shield(ports)
        try:
            await origin.open(ports.origin, self._directory)
            await node.open()
            begin = time.monotonic() + self._times.calm
            watching = asyncio.ensure_future(node.watch())
            accounting = asyncio.ensure_future(self._account(begin, {"shield": node.pid, "site": origin.pid}))
            sending = asyncio.ensure_future(
                send(pickle.dumps(volleys), ports.shield, begin) if volleys else asyncio.sleep(0, {})
            )
            await self._let_people_live(arrivals, Target(HERE, ports.shield, SITE))
            sent = await sending
            watching.cancel()
            await accounting
            self._used["flood"] = sent.pop(SPENT, 0) / 1e6
            await node.stop()
            seen = await origin.seen()
            ledger = await episodes(self._directory) if isinstance(node, Node) else []
        finally:
            await node.stop()
            await origin.stop()
        kept = frozenset(attackers)
        return Played(
            self._times,
            begin,
            self._visitors,
            kept,
            sent,
            len(volleys),
            seen,
            node.moments,
            self._directory,
            ledger,
            wall_offset(),
            sum(volley.at < FIRST for volley in volleys),
            self._used,
        )

    async def _account(self, begin: float, pids: dict[str, int]) -> None:
        """Note what processor time everybody used while the flood or crowd lasted, in seconds."""

        def used() -> dict[str, float]:
            found = {name: processor_seconds(pid) for name, pid in pids.items()}
            return found | {"people": time.process_time(), "machine": machine_seconds()}

        await asyncio.sleep(begin - time.monotonic())
        before = used()
        await asyncio.sleep(begin + self._times.flood - time.monotonic())
        self._used.update({name: after - before[name] for name, after in used().items()})

    async def _let_people_live(self, arrivals: list[tuple[float, str]], target: Target) -> None:
        start = time.monotonic()
        until = start + sum(self._times)
        async with asyncio.TaskGroup() as group:
            for at, address in arrivals:
                await asyncio.sleep(max(0.0, start + at - time.monotonic()))
                visitor = Visitor(address, time.monotonic())
                self._visitors.append(visitor)
                chance = Random(self._chance.random())
                group.create_task(Session(visitor, target, chance).live(until))


def wall_offset() -> float:
    """Return what has to be added to the monotonic clock to have unix seconds."""
    return time.time() - time.monotonic()


def arrivals_of(rate: float, begin: float, seconds: float, chance: Random) -> list[float]:
    """Return when people come so that they make ``rate`` requests a second, by chance (a Poisson process)."""
    found, at = [], begin
    while (at := at + chance.expovariate(rate / MEAN_REQUESTS)) < begin + seconds:
        found.append(at)
    return found


async def perform(kind: str, seed: int, times: Times, extra: tuple[str, ...] = (), defence: str = OURS) -> Played:
    """Perform the play ``kind`` (botnet, swarm, crowd) before a defence."""
    with contextlib.suppress(asyncio.CancelledError):
        return await Play(kind, seed, times, extra, defence).perform()
    raise KeyboardInterrupt
