"""The queue before accept, as the kernel keeps it: looked at once a second, shorter while a flood stands in it."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

from shieldproxy.core.backlog import LONGEST, backlog

if TYPE_CHECKING:
    from collections.abc import Sequence

# Of a listening socket tcp_info (linux/tcp.h) tells how many wait to be accepted where it tells of others what is
# unacknowledged: after eight bytes and four numbers.
WAITING = struct.Struct("=24xI")


class Queue:
    """The queues of one worker's listening sockets."""

    def __init__(self, sockets: Sequence[socket.socket]) -> None:
        self._sockets = [opened for opened in sockets if opened.family != socket.AF_UNIX]
        self._before = dict.fromkeys(range(len(self._sockets)), LONGEST)

    def turn(self, accepted: int) -> None:
        """Look how many wait at each socket, and say how many may; ``accepted`` were in the last second."""
        for place, listening in enumerate(self._sockets):
            if listening.fileno() < 0:
                continue
            try:
                told = listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, WAITING.size)
                wanted = backlog(WAITING.unpack(told)[0], accepted, self._before[place])
                if wanted != self._before[place]:
                    listening.listen(wanted)
                    self._before[place] = wanted
            except (OSError, struct.error):
                continue  # a kernel that does not tell, or a socket that is being closed: the queue stays as it is
