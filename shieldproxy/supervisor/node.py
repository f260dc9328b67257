"""The node: starts everything in order, reports ready, obeys signals, and ends everything in order."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from shieldproxy import oplog
from shieldproxy.app.orders import Adopt, Allowed, BannedNetworks, Boot, Learn, Order
from shieldproxy.app.terms import policy_of
from shieldproxy.core.errors import ConfigurationError, StartError
from shieldproxy.core.ladder import Ban
from shieldproxy.core.posture import PosturePolicy
from shieldproxy.journal.mending import probe
from shieldproxy.state.keys import load_node_secret, load_ring
from shieldproxy.state.memory import NodeMemory, Region, Sizes
from shieldproxy.state.situation import NodeSituation
from shieldproxy.state.slots import SlotTable
from shieldproxy.supervisor.listening import open_sockets
from shieldproxy.supervisor.operations import Operations
from shieldproxy.supervisor.operators import Operators
from shieldproxy.supervisor.watch import Watch
from shieldproxy.supervisor.workers import WorkerProcess, wait_ready

if TYPE_CHECKING:
    from collections.abc import Callable

    from shieldproxy.core.policy import Policy
    from shieldproxy.settings.schema import Settings


class Supervisor:
    """One node. ``load`` reads the configuration, at the start and at each reload; it raises ConfigurationError."""

    def __init__(self, load: Callable[[], Settings]) -> None:
        self._load = load
        self.settings = load()
        self.started_at = time.monotonic()
        self.name = socket.gethostname().partition(".")[0] or "node"
        self.log = oplog.logger("supervisor")
        self.reload_refused: tuple[str, ...] = ()
        self.journal_problem = ""
        self.draining = False
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.workers: list[WorkerProcess] = []

    # -- start ------------------------------------------------------------------------------------------------------

    async def run(self) -> int:
        """Serve until SIGTERM or SIGINT; return the exit code. Raises StartError before the node is ready."""
        self._prepare()
        self._start_workers()
        self._install_signals()
        try:
            await wait_ready(self.workers)
            control = await self._start_control()
        except StartError:
            await self._stop_workers(0.0)
            raise
        self._announce()
        self._begin(self._watch_over())
        await self._stop.wait()
        self.draining = True
        await self._stop_workers(self.settings.server.drain)
        await control.stop()
        self.operators.save()
        for task in self._tasks:
            task.cancel()
        self.memory.close()
        return 0

    def _prepare(self) -> None:
        settings = self.settings
        directory = settings.state.directory
        make_private(directory)
        probe(settings.journal.directory)
        load_ring(directory, os.urandom)
        count = settings.server.workers or len(os.sched_getaffinity(0))
        secret = load_node_secret(directory, os.urandom)
        # One row more than workers: the supervisor writes bans of operators under a number of its own.
        self.memory = NodeMemory.create(Sizes(buckets=settings.state.buckets, workers=count + 1), secret)
        self.situation = NodeSituation(self.memory.region(Region.SITUATION))
        self.watch = Watch(self.memory.region(Region.TALLIES), self.situation, PosturePolicy())
        table = SlotTable(self.memory.region(Region.BANS), count)
        self.operators = Operators(directory, table, secret, clock=time.monotonic, wall=time.time)
        self.policy: Policy = policy_of(settings, self.operators.allowed())
        self.sockets = open_sockets(settings.server.listen, count)

    def _start_workers(self) -> None:
        for index, sockets in enumerate(self.sockets):
            worker = WorkerProcess(
                index,
                memory_fd=self.memory.fd,
                sockets=sockets,
                boot=self._boot,
                hear=self._hear,
                log=self.log,
            )
            self.workers.append(worker)
            self._begin(worker.keep())

    def _boot(self, fds: tuple[int, ...]) -> Boot:
        return Boot(self.settings, fds, self.name, self.operators.allowed(), self.operators.banned_networks())

    async def _start_control(self) -> Any:
        # aiohttp takes a third of a second to import; by now the workers are serving.
        from shieldproxy.control.server import ControlServer  # noqa: PLC0415
        from shieldproxy.control.token import keep_token  # noqa: PLC0415

        token = keep_token(self.settings.control.token_file, os.urandom)
        server = ControlServer(Operations(self), self.settings.control.listen, token, time.monotonic)
        try:
            await server.start()
        except OSError as error:
            raise StartError(f"cannot listen on {self.settings.control.listen} (control): {error}") from error
        return server

    def _announce(self) -> None:
        scheme = "https" if self.settings.server.tls else "http"
        places = ", ".join(address_of(opened, scheme) for opened in self.sockets[0])
        sys.stdout.write(f"shieldproxy ready {places} -> {self.settings.origin.url}\n")
        sys.stdout.flush()

    def _install_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._begin(self._reload_and_log()))

    def _begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- while serving ----------------------------------------------------------------------------------------------

    def tell(self, order: Order) -> None:
        """Tell every worker."""
        for worker in self.workers:
            worker.order(order)

    def _hear(self, index: int, report: dict[str, Any]) -> None:
        if "ban" in report:
            told = report["ban"]
            ban = Ban(str(told["key"]), float(told["until"]), str(told["cause"]), int(told["rung"]))
            self.operators.note_ladder(ban, self.policy.bans.memory)
            for worker in self.workers:
                if worker.index != index:
                    worker.order(Learn(ban))
            self.log.info("banned", client=ban.key, cause=ban.cause, rung=ban.rung, asn=report.get("asn"))
        elif "journal_problem" in report:
            self.journal_problem = str(report["journal_problem"])

    async def _watch_over(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            if self.watch.tick(time.monotonic()):
                detected = self.watch.detected
                self.log.warning("posture", posture=detected.posture.value, reason=detected.reason)
            if self.operators.sweep():
                self.tell_operators_orders()

    def tell_operators_orders(self) -> None:
        """Tell every worker what operators allowed and banned."""
        self.policy = policy_of(self.settings, self.operators.allowed())
        self.tell(Allowed(self.operators.allowed()))
        self.tell(BannedNetworks(self.operators.banned_networks()))

    async def reload(self) -> tuple[str, ...]:
        """Read the configuration again: taken when it is good (returns ()), else kept as it was (the problems)."""
        try:
            settings = await asyncio.to_thread(self._load)
            policy = policy_of(settings, self.operators.allowed())
            load_ring(settings.state.directory, os.urandom)
        except (ConfigurationError, StartError) as error:
            self.reload_refused = tuple(str(error).splitlines())
            return self.reload_refused
        self.settings, self.policy, self.reload_refused = settings, policy, ()
        self.situation.generation += 1
        self.tell(Adopt(settings))
        return ()

    async def _reload_and_log(self) -> None:
        problems = await self.reload()
        if problems:
            self.log.error("reload refused, the old configuration stays", problems=list(problems))
        else:
            self.log.info("reloaded", policy=self.policy.digest)

    # -- end --------------------------------------------------------------------------------------------------------

    async def _stop_workers(self, seconds: float) -> None:
        await asyncio.gather(*(worker.stop(seconds) for worker in self.workers))
        for sockets in self.sockets:
            for opened in sockets:
                with suppress(OSError):
                    opened.close()


def make_private(directory: Any) -> None:
    """Make the state directory, for this user alone. Raises StartError."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StartError(f"{directory}: cannot be made: {error.strerror}") from error


def address_of(opened: socket.socket, scheme: str) -> str:
    """Return where a socket listens, as a URL."""
    name = opened.getsockname()
    if isinstance(name, str):
        return f"unix:{name}"
    host = f"[{name[0]}]" if ":" in name[0] else name[0]
    return f"{scheme}://{host}:{name[1]}"


def serve(load: Callable[[], Settings]) -> int:
    """Run a node to its end and return the exit code: 0 ended as told. Raises ConfigurationError, StartError."""

    async def run() -> int:
        return await Supervisor(load).run()

    return asyncio.run(run())
