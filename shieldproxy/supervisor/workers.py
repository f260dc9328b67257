"""Workers as the supervisor sees them: processes that are started, told, heard, and started again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import shieldproxy
from shieldproxy.app.orders import Boot, Drain, Order
from shieldproxy.app.whereabouts import ASK, whereabouts
from shieldproxy.core.errors import StartError
from shieldproxy.state.channel import Channel
from shieldproxy.supervisor.vital_signs import catches

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shieldproxy.oplog import Log

# A worker that cannot start is tried again after so many seconds, then twice as long each time, up to the second.
FIRST_BACKOFF, LONGEST_BACKOFF = 0.2, 10.0
# A worker that lived so long (seconds) starts from the shortest back-off again.
SETTLED = 60.0
START_TIMEOUT = 30.0
# A process that was killed is gone at once, unless it waits for a disk or a file system that does not answer (seconds).
GONE = 5.0
# A worker that is asked where it is has so long to answer (seconds), and an answer is read to its last so many bytes.
ANSWER, LONGEST_ANSWER = 1.0, 65_536
# After its drain a worker writes its journal to the end, for which it allows itself ten seconds.
LAST_WORDS = 15.0

# What a worker does before it loads the rest of itself.
LEAN = "from shieldproxy.app.lean import leave_rich_out; leave_rich_out(); "


def entry() -> tuple[str, ...]:
    """Return the arguments by which Python becomes a worker of the very package that runs here.

    Without ``-P`` the folder the operator happens to stand in would be searched first, and a ``json.py`` there would
    be the worker's end.
    """
    home = str(Path(shieldproxy.__file__).parent.parent)
    begin = "" if home in sys.path[1:] else f"sys.path.insert(0, {home!r}); "
    return "-P", "-c", f"import sys; {begin}{LEAN}from shieldproxy.app.worker import main; main(sys.argv[1:])"


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
        self._killed = 0
        self.ready = asyncio.Event()
        self._memory_fd = memory_fd
        self._sockets = tuple(sockets)
        self._boot = boot
        self._hear = hear
        self._log = log
        self._channel: Channel | None = None
        self._process: asyncio.subprocess.Process | None = None
        # Where the worker writes down where it is; it lives as long as the slot.
        self._where_fd = os.memfd_create("whereabouts", os.MFD_CLOEXEC)
        self._ending = asyncio.Event()
        self._ended = asyncio.Event()

    @property
    def alive(self) -> bool:
        """Whether a process fills the slot and accepts."""
        return self.ready.is_set()

    @property
    def pid(self) -> int:
        """The process id, 0 when there is none."""
        return self._process.pid if self._process is not None and self._process.returncode is None else 0

    @property
    def ending(self) -> bool:
        """Whether it was told to end, or ended."""
        return self._ending.is_set()

    async def keep(self) -> None:
        """Fill the slot until ``stop``: start, hear, and after a death start again with back-off."""
        try:
            await self._keep()
        finally:
            self.ready.clear()
            self._ended.set()
            os.close(self._where_fd)

    async def _keep(self) -> None:
        loop, backoff = asyncio.get_running_loop(), FIRST_BACKOFF
        while not self._ending.is_set():
            started, why = loop.time(), ""
            try:
                await self._run_once()
            except OSError as error:
                why = f"it cannot be started: {error.strerror or error}"
            self.ready.clear()
            if self._ending.is_set():
                return
            self.restarts += 1
            if loop.time() - started > SETTLED:
                backoff = FIRST_BACKOFF
            code = self._process.returncode if self._process is not None else None
            self._log.error("a worker ended and is started again", worker=self.index, why=why, exit=code, wait=backoff)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), backoff)
            backoff = min(backoff * 2, LONGEST_BACKOFF)

    async def _run_once(self) -> None:
        ours, theirs = socket.socketpair()
        fds = tuple(opened.fileno() for opened in self._sockets)
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *entry(),
                *(str(number) for number in (self.index, self._memory_fd, theirs.fileno(), self._where_fd)),
                pass_fds=(self._memory_fd, theirs.fileno(), self._where_fd, *fds),
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self._channel = await Channel.over(ours)
        self._channel.order(self._boot(fds))
        if self._ending.is_set():  # told to stop between fork and channel
            self._channel.order(Drain(0.0))
        try:
            while True:
                self._take(await self._channel.next_report())
        except (EOFError, ValueError):
            await self._channel.close()
            self._channel = None
        await self._gone(self._process)

    async def _gone(self, process: asyncio.subprocess.Process) -> None:
        """Return when ``process`` is; one that was killed and cannot end does not keep its successor waiting."""
        killed, waiting = self._killed == process.pid, asyncio.ensure_future(process.wait())
        await asyncio.wait([waiting], timeout=GONE if killed else None)
        if not waiting.done():
            waiting.cancel()
            self._log.error("a worker that was killed is still there, held by the kernel", worker=self.index)

    def _take(self, report: dict[str, Any]) -> None:
        if "ready" in report:
            self.ready.set()
        try:
            self._hear(self.index, report)
        except (LookupError, TypeError, ValueError) as error:
            # It faces the Internet: whatever it says, the supervisor goes on.
            self._log.error("a worker made a report that cannot be read", worker=self.index, exc_info=error)

    def order(self, order: Order) -> None:
        """Tell the worker; one that is being started gets the present state with its Boot anyway."""
        if self._channel is not None:
            self._channel.order(order)

    async def whereabouts(self) -> str:
        """Return where the worker is, innermost call first; '' when it does not answer within a second."""
        if self._ended.is_set() or not catches(self.pid, ASK):
            return ""
        os.ftruncate(self._where_fd, 0)
        os.lseek(self._where_fd, 0, os.SEEK_SET)
        os.kill(self.pid, ASK)
        clock = asyncio.get_running_loop().time
        deadline, written = clock() + ANSWER, b""
        while clock() < deadline and not self._ended.is_set():
            await asyncio.sleep(0.05)
            before, size = written, os.fstat(self._where_fd).st_size
            written = os.pread(self._where_fd, LONGEST_ANSWER, max(0, size - LONGEST_ANSWER))
            if written and written == before:
                break
        return whereabouts(written.decode(errors="replace"))

    def kill(self) -> None:
        """End the process at once, and fill its slot anew; whatever it still says is not heard."""
        if self._process is not None and self._process.returncode is None:
            self._killed = self._process.pid
            self._process.kill()
        if self._channel is not None:
            self._channel.abandon()

    async def stop(self, seconds: float) -> None:
        """Drain for ``seconds``, then end the process by force if it is still there. For a slot that is kept."""
        self._ending.set()
        self.order(Drain(seconds))
        try:
            await asyncio.wait_for(self._ended.wait(), seconds + LAST_WORDS)
        except TimeoutError:
            self._log.error("a worker did not end in time and is killed", worker=self.index)
            self.kill()
            await self._ended.wait()


async def wait_ready(workers: Sequence[WorkerProcess], stop: asyncio.Event) -> None:
    """Return when every worker accepts, or ``stop`` is set before.

    Raises StartError when one does not accept within 30 s, or ends as often as it starts.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + START_TIMEOUT
    while not (stop.is_set() or all(worker.alive for worker in workers)):
        if clock() > deadline:
            raise StartError(f"a worker did not become ready within {START_TIMEOUT:g} s")
        for worker in workers:
            if worker.restarts >= 2 and not worker.alive:
                raise StartError(f"worker {worker.index} ends as soon as it starts; its error is above")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.02)
