"""One worker: wires guard, door and their ports together, owns the clock and chance, obeys the supervisor.

Started by the supervisor in a fresh interpreter with three arguments: its index, and two inherited descriptors (the
node's memory, the channel). Its first order is a Boot; listening sockets are inherited descriptors named in it.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, assert_never

from aiolimiter import AsyncLimiter

from shieldproxy import oplog
from shieldproxy.core.addresses import Network
from shieldproxy.core.ladder import Ban
from shieldproxy.guard.appearance import Appearance, picture_uri
from shieldproxy.guard.gate import Gate
from shieldproxy.guard.gathering import Gatherer
from shieldproxy.guard.guard import Guard
from shieldproxy.guard.phrasebook import Phrasebook
from shieldproxy.guard.replies import Replies
from shieldproxy.intel.crawlers import crawler
from shieldproxy.intel.databases import Databases
from shieldproxy.intel.networks import Networks
from shieldproxy.intel.tables import read_classes, read_robots
from shieldproxy.journal.segment_writer import Rotation, SegmentWriter
from shieldproxy.journal.segments import writer_name
from shieldproxy.journal.writer import Journal
from shieldproxy.proxy.door import Door
from shieldproxy.proxy.pool import OriginTerms, Pool
from shieldproxy.proxy.terms import ClientAddress, Terms
from shieldproxy.settings.compiling import compile_policy
from shieldproxy.settings.schema import Settings
from shieldproxy.state.bans import BanTable
from shieldproxy.state.buckets import BucketTable
from shieldproxy.state.channel import Channel
from shieldproxy.state.keys import load_ring
from shieldproxy.state.memory import NodeMemory, Region
from shieldproxy.state.situation import NodeSituation
from shieldproxy.state.slots import SlotTable
from shieldproxy.state.spent import SpentTable
from shieldproxy.state.tallies import WorkerTallies

if TYPE_CHECKING:
    from shieldproxy.core.judge import Fault
    from shieldproxy.core.policy import Policy
    from shieldproxy.core.verdict import Side
    from shieldproxy.guard.visits import Visit

# Allocations between two collections of the youngest generation. The hot path makes tuples that die at once and no
# cycles; Python's default of 700 would look for cycles a hundred times a second.
GC_THRESHOLD = 50_000


class Boot(NamedTuple):
    """The first order: what to serve, and the descriptors to accept on."""

    settings: Settings
    sockets: tuple[int, ...]
    node: str
    allowed: tuple[Network, ...] = ()
    banned_networks: tuple[Ban, ...] = ()


class Adopt(NamedTuple):
    """Judge by these settings from now on."""

    settings: Settings


class Allowed(NamedTuple):
    """The networks an operator let through for a while."""

    networks: tuple[Network, ...]


class BannedNetworks(NamedTuple):
    """The networks an operator banned."""

    bans: tuple[Ban, ...]


class Learn(NamedTuple):
    """A ban another worker imposed: its cause."""

    ban: Ban


class Drain(NamedTuple):
    """Stop accepting, let exchanges end for so many seconds, then exit."""

    seconds: float


Order = Adopt | Allowed | BannedNetworks | Learn | Drain


class Identifiers:
    """Request IDs: ``6743a1b2.0.1f3a`` - second, worker, number; sortable, and short enough to read out on a phone."""

    def __init__(self, worker: int, chance: bytes) -> None:
        self._worker = worker
        self._number = int.from_bytes(chance, "big")
        self._prefix = ""

    def tell_time(self, unix_seconds: float) -> None:
        """Name the second that IDs begin with from now on."""
        self._prefix = f"{int(unix_seconds):08x}.{self._worker:x}."

    def next(self) -> str:
        """Return an ID that this node never gave before."""
        self._number += 1
        return f"{self._prefix}{self._number:x}"


def policy_of(settings: Settings, allowed: tuple[Network, ...]) -> Policy:
    """Return the compiled policy, with the networks an operator let through among the exempt."""
    policy = compile_policy(settings)
    return policy._replace(exempt=policy.exempt._replace(clients=(*policy.exempt.clients, *allowed)))


def appearance_of(settings: Settings) -> Appearance:
    """Return how the operator wants our pages to look; a logo that cannot be read is left out."""
    challenge = settings.challenge
    logo = ""
    if challenge.logo is not None:
        with suppress(OSError, ValueError):
            logo = picture_uri(challenge.logo.name, challenge.logo.read_bytes())
    return Appearance(challenge.contact, challenge.title, challenge.text, logo)


def terms_of(settings: Settings) -> Terms:
    """Return what the settings say to the main door."""
    server, times, sizes = settings.server, settings.server.timeouts, settings.server.sizes
    return Terms(
        client_address=ClientAddress(server.client_address),
        trusted=server.trusted_proxies,
        hosts=frozenset(server.hosts),
        header=times.header,
        idle=times.idle,
        body_idle=times.body_idle,
        tunnel_idle=times.tunnel_idle,
        write=times.write,
        max_head=sizes.head,
        max_target=sizes.target,
        max_headers=sizes.headers,
        buffer=sizes.buffer,
        max_connections=server.max_connections,
        max_connections_per_client=server.max_connections_per_client,
        pace_wait=settings.origin.rate_wait,
    )


def origin_terms(settings: Settings) -> OriginTerms:
    """Return where the origin is and how it is spoken to."""
    origin = settings.origin
    return OriginTerms(
        host=origin.url.host,
        port=origin.url.port,
        unix=origin.url.path,
        tls=origin_tls(settings),
        connect=origin.connect_timeout,
        response=origin.response_timeout,
        idle=origin.idle_timeout,
        max_connections=origin.max_connections,
        buffer=settings.server.sizes.buffer,
    )


def origin_tls(settings: Settings) -> ssl.SSLContext | None:
    """Return the context that verifies an https origin; None for other schemes."""
    origin = settings.origin
    if origin.url.scheme != "https":
        return None
    context = ssl.create_default_context(cafile=str(origin.tls_ca) if origin.tls_ca else None)
    if not origin.tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


def server_tls(settings: Settings) -> ssl.SSLContext | None:
    """Return the context for visitors (TLS 1.2 and 1.3, HTTP/1.1); None where plain HTTP is served."""
    files = settings.server.tls
    if files is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(files.certificate, files.key)
    context.set_alpn_protocols(["http/1.1"])
    return context


class Worker:
    """One worker of a node."""

    def __init__(self, boot: Boot, index: int, memory: NodeMemory, channel: Channel) -> None:
        settings = boot.settings
        self._settings = settings
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._allowed = boot.allowed
        self._log = oplog.logger("worker", worker=index)
        self._minute = oplog.MinuteLog(self._log, time.monotonic)
        self._node = f"{boot.node}-{index}"
        self._identifiers = Identifiers(index, os.urandom(3))
        self._identifiers.tell_time(time.time())
        self._wire_state(memory, index)
        self._wire_intel()
        self._wire_journal(boot, index)
        self._wire_guard()
        self._wire_door()
        self.bans.set_networks(boot.banned_networks)
        self.stopped = asyncio.Event()
        self._ticks = 0

    def _wire_state(self, memory: NodeMemory, index: int) -> None:
        secret = memory.secret
        scopes = {name: limit.scope for name, limit in self._settings.limits.items()}
        self.buckets = BucketTable(SlotTable(memory.region(Region.BUCKETS), index), secret, scopes)
        self.bans = BanTable(SlotTable(memory.region(Region.BANS), index), secret)
        spent = SlotTable(memory.region(Region.SPENT), index)
        self.spent = SpentTable(spent, secret, lock_file=memory.fd, lock_start=memory.lock_start(Region.SPENT))
        self.tallies = WorkerTallies(memory.region(Region.TALLIES), index)
        self.situation = NodeSituation(memory.region(Region.SITUATION))

    def _wire_intel(self) -> None:
        geo = self._settings.geo
        self._databases = Databases(asn=geo.asn, country=geo.country)
        self._networks = Networks(self._databases, read_classes(), read_robots())

    def _wire_journal(self, boot: Boot, index: int) -> None:
        journal = self._settings.journal
        segments = SegmentWriter(
            journal.directory,
            writer_name(boot.node, index),
            wall=time.time,
            monotonic=time.monotonic,
            rotation=Rotation(journal.segment, journal.segment_size),
        )
        self._journal = Journal(
            segments, monotonic=time.monotonic, report=self._journal_problem_elsewhere, queue=journal.queue
        )

    def _wire_guard(self) -> None:
        settings, policy = self._settings, policy_of(self._settings, self._allowed)
        appearance, phrasebook = appearance_of(settings), Phrasebook()
        self._replies = Replies(appearance, phrasebook)
        self._gate = Gate(
            policy.challenge,
            load_ring(settings.state.directory, os.urandom),
            appearance=appearance,
            phrasebook=phrasebook,
            replies=self._replies,
            own_path=settings.server.own_path,
            spent=self.spent,
            clock=time.time,
            chance=os.urandom,
        )
        gatherer = Gatherer(
            buckets=self.buckets,
            bans=self.bans,
            gate=self._gate,
            situation=self.situation,
            recognise=crawler,
            own_path=settings.server.own_path,
        )
        self.guard = Guard(
            policy,
            gatherer=gatherer,
            gate=self._gate,
            replies=self._replies,
            networks=self._networks,
            buckets=self.buckets,
            bans=self.bans,
            journal=self._journal,
            tallies=self.tallies,
            clock=time.monotonic,
            wall=time.time,
            node=self._node,
            next_id=self._identifiers.next,
            on_ban=self._ban_imposed,
            on_fault=self._stage_raised,
        )

    def _wire_door(self) -> None:
        origin = self._settings.origin
        self.door = Door(
            terms_of(self._settings),
            guard=self.guard,
            pool=Pool(origin_terms(self._settings), clock=time.monotonic, spawn=self._spawn),
            tallies=self.tallies,
            clock=time.monotonic,
            wall=time.time,
            pace=AsyncLimiter(max(1.0, origin.rate), max(1.0, 1.0 / origin.rate)) if origin.rate else None,
            max_pacing=origin.rate_queue,
            on_failure=self._exchange_failed,
        )

    def _spawn(self, work: object) -> None:
        self.door.spawn(work)  # type: ignore[arg-type]

    # -- life -------------------------------------------------------------------------------------------------------

    async def serve(self, sockets: tuple[int, ...]) -> None:
        """Accept, obey and tick until told to drain or the supervisor is gone."""
        self._journal.open()
        await self.door.open([socket.socket(fileno=fd) for fd in sockets], server_tls(self._settings))
        self._channel.report({"ready": os.getpid()})
        beside = [asyncio.ensure_future(self._tick()), asyncio.ensure_future(self._obey())]
        await self.stopped.wait()
        for task in beside:
            task.cancel()
        await asyncio.to_thread(self._journal.close)
        self.tallies.publish()
        await self._channel.close()

    async def _tick(self) -> None:
        refresh_every = max(1, round(self._settings.geo.refresh))
        while True:
            # On the second, so that IDs name the second they were given in.
            await asyncio.sleep(1.0 - time.time() % 1.0)
            self._ticks += 1
            self._identifiers.tell_time(time.time())
            self.buckets.refresh(time.monotonic())
            self.tallies.publish()
            if self._ticks % refresh_every == 0:
                await self._refresh_databases()

    async def _refresh_databases(self) -> None:
        for line in await asyncio.to_thread(self._databases.refresh):
            self._log.warning("geo", said=line)
            self.guard.forget_labels()

    async def _obey(self) -> None:
        try:
            while True:
                await self._perform(await self._channel.next_order())
        except EOFError:
            # Nobody supervises any more: end as if told to, so that the port does not stay held by an orphan.
            await self._perform(Drain(self._settings.server.drain))

    async def _perform(self, order: Order) -> None:
        match order:
            case Adopt(settings):
                self._adopt(settings)
            case Allowed(networks):
                self._allowed = networks
                self.guard.adopt(policy_of(self._settings, networks))
            case BannedNetworks(bans):
                self.bans.set_networks(bans)
            case Learn(ban):
                self.bans.learn(ban)
            case Drain(seconds):
                await self.door.drain(seconds)
                self.stopped.set()
            case _:
                assert_never(order)

    def _adopt(self, settings: Settings) -> None:
        """Take new settings: policy, terms and pages at once; what needs a restart stays as it was (see docs)."""
        kept = replace(settings, journal=self._settings.journal, state=self._settings.state)
        self._settings = kept
        self.buckets.set_scopes({name: limit.scope for name, limit in kept.limits.items()})
        policy = policy_of(kept, self._allowed)
        self._gate.adopt(policy.challenge, load_ring(kept.state.directory, os.urandom), appearance_of(kept))
        self.guard.adopt(policy)
        self.door.terms = terms_of(kept)
        self._channel.report({"adopted": policy.digest})

    # -- what is told -------------------------------------------------------------------------------------------------

    def _ban_imposed(self, ban: Ban, visit: Visit) -> None:
        self._channel.report(
            {"ban": {"key": ban.key, "until": ban.until, "cause": ban.cause, "rung": ban.rung}}
            | {"asn": visit.visitor.label.asn}
        )

    def _stage_raised(self, fault: Fault) -> None:
        self._minute.error("a stage raised and has no opinion", stage=fault.stage, error=fault.error)

    def _exchange_failed(self, status: int, why: str, side: Side | None) -> None:
        self._minute.warning(why, status=status, side=side.value if side else "client")

    def _journal_problem_elsewhere(self, problem: str) -> None:
        """Hear a problem in the journal's thread and pass it to the loop's."""
        self._loop.call_soon_threadsafe(self._journal_problem, problem)

    def _journal_problem(self, problem: str) -> None:
        self._minute.error("journal", problem=problem)
        self._channel.report({"journal_problem": problem})


async def work(index: int, memory_fd: int, channel_fd: int) -> None:
    """Run one worker until it is told to stop."""
    channel = await Channel.over(socket.socket(fileno=channel_fd))
    boot = await channel.next_order()
    assert isinstance(boot, Boot)
    worker = Worker(boot, index, NodeMemory.attach(memory_fd), channel)
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 50)
    await worker.serve(boot.sockets)


def main(arguments: list[str]) -> None:
    """Be the worker that ``arguments`` (index, memory descriptor, channel descriptor) name."""
    import uvloop  # noqa: PLC0415 - only a worker needs it; the supervisor imports this module for its orders

    oplog.configure()
    # The supervisor passes on what the terminal's Ctrl-C sends to the whole group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    index, memory_fd, channel_fd = (int(argument) for argument in arguments)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work(index, memory_fd, channel_fd))
