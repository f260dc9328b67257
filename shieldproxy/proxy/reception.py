"""The reception: accepts at a port of TLS, and lets nobody wait there because of somebody else."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from shieldproxy.core.verdict import Side
from shieldproxy.proxy.arrival import Arrival

if TYPE_CHECKING:
    from shieldproxy.proxy.door import Door

# As many as the kernel may queue; net.core.somaxconn caps it.
BACKLOG = 4_096
# Accepted in one turn of the loop; then those who are served have their turn. A turn is some milliseconds.
AT_ONCE = 64
# When the system gives no descriptor, nobody is accepted for so many seconds: the queue stays readable, and asking
# again at once would take all of the processor.
PAUSE = 0.5


class Reception:
    """Accepts on ``listening`` until it is closed. Each connection becomes an ``Arrival`` of ``door``."""

    def __init__(self, door: Door, listening: socket.socket) -> None:
        self._door = door
        self._listening = listening
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        listening.setblocking(False)
        listening.listen(BACKLOG)
        self._loop.add_reader(listening, self._accept)

    def close(self) -> None:
        """Accept nothing more; to close again changes nothing."""
        if self._listening.fileno() < 0:
            return
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._listening)
        self._listening.close()

    async def wait_closed(self) -> None:
        """Return at once: the door knows every connection from its accept on."""

    def _accept(self) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, source = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._rest(error)
                return
            Arrival(self._door, connection, source).begin()

    def _rest(self, error: OSError) -> None:
        self._loop.remove_reader(self._listening)
        self._pause = self._loop.call_later(PAUSE, self._resume)
        self._door.note_failure(503, f"nobody can be accepted: {error.strerror}", Side.SHIELD)

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listening, self._accept)
