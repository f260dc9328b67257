"""Workers as the supervisor sees them: processes that are started, told, heard, and started again."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import TYPE_CHECKING, Any

from shieldproxy.app.orders import Boot, Drain, Order
from shieldproxy.core.errors import StartError
from shieldproxy.state.channel import Channel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shieldproxy.oplog import Log

ENTRY = "import sys; from shieldproxy.app.worker import main; main(sys.argv[1:])"
# A worker that cannot start is tried again after 0.2 s, then twice as long each time, up to:
LONGEST_BACKOFF = 10.0
# A worker that lived so long (seconds) starts from the shortest back-off again.
SETTLED = 60.0
START_TIMEOUT = 30.0


class WorkerProcess:
    """One worker slot: the process that fills it now, and the will to fill it again.

    ``boot`` makes the first order anew for each start; ``hear`` takes its reports.
    """

    def __init__(  # noqa: PLR0913 - what a slot needs to be filled
        self,
        index: int,
        *,
        memory_fd: int,
        sockets: Sequence[socket.socket],
        boot: Callable[[tuple[int, ...]], Boot],
        hear: Callable[[int, dict[str, Any]], None],
        log: Log,
    ) -> None:
        self.index = index
        self.restarts = 0
        self.ready = asyncio.Event()
        self._memory_fd = memory_fd
        self._sockets = tuple(sockets)
        self._boot = boot
        self._hear = hear
        self._log = log
        self._channel: Channel | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._ending = False

    @property
    def alive(self) -> bool:
        """Whether a process fills the slot and accepts."""
        return self.ready.is_set()

    @property
    def pid(self) -> int:
        """The process id, 0 when there is none."""
        return self._process.pid if self._process is not None else 0

    async def keep(self) -> None:
        """Fill the slot until ``stop``: start, hear, and after a death start again with back-off."""
        loop, backoff = asyncio.get_running_loop(), 0.2
        while not self._ending:
            started = loop.time()
            await self._run_once()
            self.ready.clear()
            if self._ending:
                return
            self.restarts += 1
            backoff = 0.2 if loop.time() - started > SETTLED else min(backoff * 2, LONGEST_BACKOFF)
            code = self._process.returncode if self._process is not None else None
            self._log.error("a worker ended and is started again", worker=self.index, exit=code, wait=backoff)
            await asyncio.sleep(backoff)

    async def _run_once(self) -> None:
        ours, theirs = socket.socketpair()
        fds = tuple(opened.fileno() for opened in self._sockets)
        arguments = (str(self.index), str(self._memory_fd), str(theirs.fileno()))
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", ENTRY, *arguments, pass_fds=(self._memory_fd, theirs.fileno(), *fds)
        )
        theirs.close()
        self._channel = await Channel.over(ours)
        self._channel.order(self._boot(fds))
        try:
            while True:
                report = await self._channel.next_report()
                if "ready" in report:
                    self.ready.set()
                self._hear(self.index, report)
        except (EOFError, ValueError):
            await self._channel.close()
            self._channel = None
        await self._process.wait()

    def order(self, order: Order) -> None:
        """Tell the worker; one that is being started gets the present state with its Boot anyway."""
        if self._channel is not None:
            self._channel.order(order)

    async def stop(self, seconds: float) -> None:
        """Drain for ``seconds``, then end the process by force if it is still there."""
        self._ending = True
        self.order(Drain(seconds))
        if self._process is None or self._process.returncode is not None:
            return
        try:
            await asyncio.wait_for(self._process.wait(), seconds + 5.0)
        except TimeoutError:
            self._log.error("a worker did not end in time and is killed", worker=self.index)
            self._process.kill()
            await self._process.wait()


async def wait_ready(workers: Sequence[WorkerProcess]) -> None:
    """Return when every worker accepts. Raises StartError when one does not within 30 s, or ended instead."""
    try:
        async with asyncio.timeout(START_TIMEOUT):
            for worker in workers:
                while not worker.alive:
                    if worker.restarts >= 2:
                        raise StartError(f"worker {worker.index} ends as soon as it starts; its error is above")
                    await asyncio.wait({asyncio.ensure_future(worker.ready.wait())}, timeout=0.1)
    except TimeoutError as error:
        raise StartError("a worker did not become ready within 30 s") from error
