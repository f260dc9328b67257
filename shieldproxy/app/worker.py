"""One worker: wires a guard to the main door, obeys the supervisor, and ends in order.

Started by the supervisor in a fresh interpreter with four arguments: its index, and three inherited descriptors (the
node's memory, the channel, and where to write down where it is). Its first order is a Boot; listening sockets are
inherited descriptors named in it.
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING, assert_never

from shieldproxy import oplog
from shieldproxy.app.equipment import Equipment
from shieldproxy.app.orders import Adopt, Allowed, BannedNetworks, Boot, Drain, Learn, Order
from shieldproxy.app.terms import origin_terms, pace_of, server_tls, terms_of, within_files
from shieldproxy.app.whereabouts import answer_into
from shieldproxy.core.errors import StartError
from shieldproxy.proxy.door import Door
from shieldproxy.proxy.pool import Pool
from shieldproxy.state.beats import Beats
from shieldproxy.state.channel import Channel
from shieldproxy.state.memory import NodeMemory, Region

if TYPE_CHECKING:
    from shieldproxy.core.ladder import Ban
    from shieldproxy.core.verdict import Side
    from shieldproxy.guard.visits import Visit
    from shieldproxy.settings.schema import Settings

# Allocations between two collections of the youngest generation. The hot path makes tuples that die at once and no
# cycles; Python's default of 700 would look for cycles a hundred times a second.
GC_THRESHOLD = 50_000
# The supervisor looks as often (seconds).
BEAT = 1.0


class Worker:
    """One worker of a node."""

    def __init__(self, boot: Boot, index: int, memory: NodeMemory, channel: Channel) -> None:
        self._channel = channel
        self._log = oplog.logger("worker", worker=index)
        self._workers = boot.workers
        self._problem = ""
        self._told: set[int] = set()
        self._index = index
        self._beats = Beats(memory.region(Region.BEATS))
        self._equipment = Equipment(
            boot.settings,
            memory,
            node=boot.node,
            index=index,
            allowed=boot.allowed,
            log=self._log,
            on_ban=self._ban_imposed,
        )
        self.guard = self._equipment.guard
        self.bans = self._equipment.bans
        self._minute = self._equipment.minute
        self._wire_door(boot.settings)
        self.bans.set_networks(boot.banned_networks)

    def _wire_door(self, settings: Settings) -> None:
        terms, origin = within_files(terms_of(settings), origin_terms(settings), files_allowed())
        pool = Pool(origin, clock=time.monotonic, spawn=self._spawn)
        room = self._equipment.room
        # Whoever joins the line has shown that they are people: a flood must not fill it.
        self._equipment.heed(lambda: pool.strained or room.opened)
        self.door = Door(
            terms,
            guard=self.guard,
            pool=pool,
            tallies=self._equipment.tallies,
            clock=time.monotonic,
            wall=time.time,
            pace=pace_of(settings, self._workers),
            max_pacing=settings.origin.rate_queue,
            room=room,
            on_failure=self._exchange_failed,
        )

    def _spawn(self, work: object) -> None:
        self.door.spawn(work)  # type: ignore[arg-type]

    # -- life -------------------------------------------------------------------------------------------------------

    async def serve(self, sockets: tuple[int, ...]) -> None:
        """Accept, obey and tick until told to drain or the supervisor is gone."""
        self._beat()
        self._equipment.open()
        certificates = server_tls(self._equipment.settings)
        await self.door.open([socket.socket(fileno=fd) for fd in sockets], certificates)
        self._channel.report({"ready": os.getpid()})
        ticking = asyncio.ensure_future(self._equipment.keep_time(self._tell))
        try:
            await self._obey()
        finally:
            ticking.cancel()
            await self._equipment.close()
            await self._channel.close()

    def _beat(self) -> None:
        """Show the supervisor that the loop comes round; beside all tasks, which may rightly wait for something."""
        self._beats.beat(self._index)
        asyncio.get_running_loop().call_later(BEAT, self._beat)

    async def _obey(self) -> None:
        """Do what the supervisor says until it says to end."""
        while True:
            try:
                order: Order = await self._channel.next_order()
            except EOFError:
                # Nobody supervises any more: end as if told to, so that the port does not stay held by an orphan.
                order = Drain(self._equipment.settings.server.drain)
            if isinstance(order, Drain):
                await self.door.drain(order.seconds)
                return
            try:
                self._perform(order)
            except Exception as error:  # noqa: BLE001 - an order that cannot be done leaves all as it was, and we serve
                self._log.error("an order failed, all stays as it was", order=type(order).__name__, exc_info=error)

    def _perform(self, order: Adopt | Allowed | BannedNetworks | Learn) -> None:
        match order:
            case Adopt(settings):
                self._adopt(settings)
            case Allowed(networks):
                self._equipment.allow(networks)
            case BannedNetworks(bans):
                self.bans.set_networks(bans)
            case Learn(ban):
                self.bans.learn(ban)
            case _:
                assert_never(order)

    def _adopt(self, settings: Settings) -> None:
        """Take new settings, all of them; the supervisor leaves out what waits for the next start."""
        before = self._equipment.settings
        terms, origin = within_files(terms_of(settings), origin_terms(settings), files_allowed())
        # First what can fail: when a file cannot be read any more, all stays as it was.
        certificates = server_tls(settings)
        self._equipment.adopt(settings)
        self.door.adopt(terms)
        self.door.show(certificates)
        self.door.pool.adopt(origin)
        if settings.origin != before.origin:
            self.door.passage.pace(pace_of(settings, self._workers), settings.origin.rate_queue)
        self._channel.report({"adopted": self.guard.policy.digest})

    # -- what is told -------------------------------------------------------------------------------------------------

    def _ban_imposed(self, ban: Ban, visit: Visit) -> None:
        self._channel.report(
            {"ban": {"key": ban.key, "until": ban.until, "cause": ban.cause, "rung": ban.rung}}
            | {"asn": visit.visitor.label.asn}
        )

    def _tell(self) -> None:
        """Once a second: see who may come in, and tell the supervisor how the journal stands and who is busy."""
        self.door.look_at_queue()
        self.door.passage.turn(self._equipment.tallies.origin_answers)
        problem = self._equipment.journal_problem
        if problem != self._problem:
            self._problem = problem
            self._channel.report({"journal_problem": problem})
        busy = self._equipment.busy_networks()
        fresh = [label for asn, label in busy.items() if asn not in self._told]
        self._told = set(busy)
        if fresh:
            self._channel.report({"networks": [[*label[:4]] for label in fresh]})

    def _exchange_failed(self, status: int, why: str, side: Side | None) -> None:
        self._minute.warning(why, status=status, side=side.value if side else "client")


def files_allowed() -> int:
    """Return how many files this process may open; the supervisor asked for as many as it could."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return soft if soft != resource.RLIM_INFINITY else sys.maxsize


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
    """Be the worker that ``arguments`` (index; descriptors of memory, channel and whereabouts) name."""
    import uvloop  # noqa: PLC0415 - only a worker needs it; the supervisor imports this module for its orders

    oplog.configure()
    # The supervisor passes on what the terminal's Ctrl-C sends to the whole group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    index, memory_fd, channel_fd, where_fd = (int(argument) for argument in arguments)
    answer_into(where_fd)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work(index, memory_fd, channel_fd))
    except (StartError, EOFError) as error:
        oplog.logger("worker", worker=index).error("cannot start", why=str(error))
        sys.exit(1)
