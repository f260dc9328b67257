"""The node: starts everything in order, reports ready, obeys signals, and ends everything in order."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

from shieldproxy import oplog
from shieldproxy.app.orders import Adopt, Allowed, BannedNetworks, Boot, Order
from shieldproxy.app.terms import policy_of
from shieldproxy.core.aftermath import Aftermath
from shieldproxy.core.errors import ConfigurationError, StartError
from shieldproxy.journal.mending import probe
from shieldproxy.state.files import make_private
from shieldproxy.state.keys import load_node_secret, load_ring
from shieldproxy.state.memory import NodeMemory, Region, Sizes
from shieldproxy.state.rulings import signing_keys
from shieldproxy.state.situation import NodeSituation
from shieldproxy.state.slots import SlotTable
from shieldproxy.supervisor import certificates, open_files, origin
from shieldproxy.supervisor.activation import handed_over, share_out
from shieldproxy.supervisor.changes import takeover
from shieldproxy.supervisor.duties import Duties
from shieldproxy.supervisor.hearing import Hearing
from shieldproxy.supervisor.listening import address_of, close_sockets, open_sockets, place_of
from shieldproxy.supervisor.notifying import Notifier
from shieldproxy.supervisor.operators import Operators
from shieldproxy.supervisor.policy_notes import note_policy, note_reload
from shieldproxy.supervisor.rights import keep_from_children
from shieldproxy.supervisor.rounds import repeat
from shieldproxy.supervisor.stepping import watch_change
from shieldproxy.supervisor.watch import watch_for
from shieldproxy.supervisor.workers import WorkerProcess, wait_ready

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shieldproxy.core.policy import Policy
    from shieldproxy.settings.schema import Settings
    from shieldproxy.supervisor.sharing import Sharing


class Supervisor:
    """One node. ``load`` reads the configuration, at the start and at each reload; it raises ConfigurationError.

    ``handed`` are listening sockets that outlive the node; they take the place of ``server.listen``. ``notifier`` tells
    who started us how we are.
    """

    def __init__(
        self, load: Callable[[], Settings], handed: Sequence[socket.socket] = (), notifier: Notifier | None = None
    ) -> None:
        self._load = load
        self._handed = handed
        self._notifier = notifier or Notifier({}, 0)
        self.settings = load()
        self.started_at = time.monotonic()
        self.name = socket.gethostname().partition(".")[0] or "node"
        self.log = oplog.logger("supervisor")
        self.minute = oplog.MinuteLog(self.log, time.monotonic)
        self.reload_refused: tuple[str, ...] = ()
        self.aftermath = Aftermath()
        self.waiting: tuple[str, ...] = ()
        self.hearing = Hearing(self)
        self.origin = origin.Health()
        self.certificates = certificates.InUse(self.settings)
        self.draining = False
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.workers: list[WorkerProcess] = []
        self.sharing: Sharing | None = None

    # -- start ------------------------------------------------------------------------------------------------------

    async def run(self) -> int:
        """Serve until SIGTERM or SIGINT; return the exit code. Raises StartError before the node is ready."""
        keep_from_children()
        self._ask_for_files()
        self._prepare()
        self._start_workers()
        self._install_signals()
        try:
            await wait_ready(self.workers, self._stop)
            control = await self._start_control()
        except StartError:
            await self._stop_workers(0.0)
            raise
        if not self._stop.is_set():
            self._announce()
        self._start_rounds()
        await self._stop.wait()
        self.draining = True
        self._notifier.stopping()
        await self._stop_workers(self.settings.server.drain)
        await self.kernel.stop()
        await control.stop()
        if self.sharing is not None:
            await self.sharing.stop()
        self.operators.save()
        await self.duties.remember()
        for task in self._tasks:
            task.cancel()
        await self.notary.stop()
        self.memory.close()
        return 0

    def _ask_for_files(self) -> None:
        needed = open_files.wanted(self.settings)
        if (most := open_files.allow(needed)) < needed:
            self.log.warning("fewer open files than visitors may need: raise LimitNOFILE", may_open=most, needed=needed)

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
        self.duties = Duties(self)
        self.situation = NodeSituation(self.memory.region(Region.SITUATION))
        self.watch = watch_for(self.memory, count, settings, self.log)
        table = SlotTable(self.memory.region(Region.BANS), count)
        self.operators = Operators(directory, table, secret, clock=time.monotonic, wall=time.time)
        self.policy: Policy = policy_of(settings, self.operators.allowed())
        note_policy(self, "start")
        self.sockets = share_out(self._handed, count) if self._handed else open_sockets(settings.server.listen, count)
        self.places = tuple(dict.fromkeys(place_of(opened) for opened in self.sockets[0]))
        if self._handed:
            self.log.info("sockets handed over take the place of server.listen", places=list(self.places))

    def _start_workers(self) -> None:
        for index, sockets in enumerate(self.sockets):
            worker = WorkerProcess(
                index,
                memory_fd=self.memory.fd,
                sockets=sockets,
                boot=self._boot,
                hear=self.hearing.hear,
                log=self.log,
            )
            self.workers.append(worker)
            self._begin(worker.keep())

    def _boot(self, fds: tuple[int, ...]) -> Boot:
        operators = self.operators
        return Boot(self.settings, fds, self.name, len(self.sockets), operators.allowed(), operators.banned_networks())

    async def _start_control(self) -> Any:
        # aiohttp takes a third of a second to import; by now the workers are serving.
        from shieldproxy.control.server import ControlServer  # noqa: PLC0415
        from shieldproxy.control.token import keep_token  # noqa: PLC0415
        from shieldproxy.supervisor.notary import notary_for  # noqa: PLC0415
        from shieldproxy.supervisor.offloading import kernel_bans  # noqa: PLC0415
        from shieldproxy.supervisor.operations import Operations  # noqa: PLC0415

        self.kernel = kernel_bans(self)
        if self.settings.nodes.server is not None:
            from shieldproxy.supervisor.neighbours import sharing_for  # noqa: PLC0415

            self.sharing = sharing_for(self)
        token = keep_token(self.settings.control.token_file, os.urandom)
        self.operations = Operations(self)
        self.notary = notary_for(self)
        server = ControlServer(self.operations, self.settings.control.listen, token, time.monotonic)
        await server.start()
        return server

    def _announce(self) -> None:
        scheme = "https" if self.settings.server.tls else "http"
        places = ", ".join(dict.fromkeys(address_of(opened, scheme) for opened in self.sockets[0]))
        sys.stdout.write(f"shieldproxy ready {places} -> {self.settings.origin.url}\n")
        sys.stdout.flush()
        self._notifier.ready(f"serving {places} -> {self.settings.origin.url}")

    def _install_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._begin(self.reload("SIGHUP")))

    def _begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.log.error("a part of the supervisor failed", exc_info=error)

    # -- while serving ----------------------------------------------------------------------------------------------

    def _start_rounds(self) -> None:
        for work, interval, event in self.duties.rounds():
            self._begin(repeat(work, interval, self.minute, event))
        if self.sharing is not None:
            self._begin(self.sharing.run())
        if self._notifier.interval:
            self._begin(repeat(self._notifier.alive, self._notifier.interval, self.minute, "the watchdog failed"))

    def tell(self, order: Order) -> None:
        """Tell every worker."""
        for worker in self.workers:
            worker.order(order)

    def tell_allowed(self) -> None:
        """Tell every worker what operators let through."""
        self.policy = policy_of(self.settings, self.operators.allowed())
        self.tell(Allowed(self.operators.allowed()))

    def tell_banned(self) -> None:
        """Tell every worker which networks operators banned."""
        self.tell(BannedNetworks(self.operators.banned_networks()))

    async def reload(self, by: str = "") -> tuple[str, ...]:
        """Read the configuration again: taken when it is good (returns ()), else kept as it was (the problems).

        ``by`` is who asked for it.
        What can only change with a start stays as it was; ``waiting`` names it.
        """
        self._notifier.reloading(time.monotonic())
        problems = await self._reload(by)
        self._notifier.ready("reload refused, the old configuration stays" if problems else "reloaded")
        return problems

    async def _reload(self, by: str) -> tuple[str, ...]:
        before = self.settings
        try:
            wanted = await asyncio.to_thread(self._load)
            settings, waiting = takeover(before, wanted)
            policy_of(settings, self.operators.allowed())
            load_ring(settings.state.directory, os.urandom)
        except (ConfigurationError, StartError) as error:
            self.reload_refused = tuple(str(error).splitlines())
            self.log.error(  # noqa: TRY400 - the problems say it all, a traceback nothing
                "reload refused, the old configuration stays", problems=list(self.reload_refused)
            )
            return self.reload_refused
        self.reload_refused = ()
        self.take(settings, waiting)
        note_reload(self, by)
        watch_change(self, before)
        return ()

    def take(self, settings: Settings, waiting: tuple[str, ...]) -> None:
        """Let ``settings`` hold from now on, for every worker; ``waiting`` are keys that wait for the next start."""
        self.settings, self.waiting = settings, waiting
        self.policy = policy_of(settings, self.operators.allowed())
        self.watch.adopt(settings)
        self.situation.generation += 1
        self.tell(Adopt(settings))
        if self.sharing is not None:
            self.sharing.adopt(signing_keys(load_ring(settings.state.directory, os.urandom)))
        self.certificates = certificates.InUse(settings)
        self.certificates.say(self.log, time.time())

    # -- end --------------------------------------------------------------------------------------------------------

    async def _stop_workers(self, seconds: float) -> None:
        # Ours first: whoever comes now is to be turned away at once, not to wait for a worker that accepts no more.
        stopping = [asyncio.ensure_future(worker.stop(seconds)) for worker in self.workers]
        await asyncio.sleep(0)
        close_sockets(self.sockets, ours=not self._handed)
        await asyncio.gather(*stopping)


def serve(load: Callable[[], Settings]) -> int:
    """Run a node to its end and return the exit code: 0 ended as told. Raises ConfigurationError, StartError."""
    handed, notifier = handed_over(os.environ, os.getpid()), Notifier(os.environ, os.getpid())
    return asyncio.run(Supervisor(load, handed, notifier).run())
