"""The sender of floods, a process of its own: each request on a connection of its own, to this machine only.

``python -m benchmarks.field.sender PORT BEGIN`` reads pickled volleys from standard input (written by our own parent),
sends each at its time after BEGIN (monotonic clock), and prints one JSON object: answers by status, and those that
were cut, silent, or late (this machine could not follow). Plain sockets and epoll: a flood must not be slowed by what
sends it.
"""

from __future__ import annotations

import json
import pickle
import select
import socket
import sys
import time
from collections import Counter, deque

from benchmarks.field.shots import Volley

# Connections under way at once; more means that the shield or this machine cannot follow.
AT_ONCE = 4_000
PATIENCE = 5.0
# A volley that is so late is not sent: it would not be the flood that was asked for.
LATE = 2.0
HERE = "127.0.0.1"
NON_BLOCKING = socket.SOCK_STREAM | socket.SOCK_NONBLOCK
GRACE = 6.0
# Among the answers: what processor time the sending took (microseconds).
SPENT = "spent"


class Sender:
    """Sends volleys to one port of this machine."""

    def __init__(self, port: int) -> None:
        self.answers: Counter[str] = Counter()
        self._target = (HERE, port)
        self._poll = select.epoll()
        self._open: dict[int, tuple[socket.socket, bytes]] = {}
        self._begun: deque[tuple[float, int, socket.socket]] = deque()

    def send(self, volleys: list[Volley], begin: float) -> None:
        """Send them all and wait for the last answers."""
        for volley in volleys:
            at = begin + volley.at
            while (wait := at - time.monotonic()) > 0.0:
                self._turn(wait)
            if wait < -LATE or len(self._open) >= AT_ONCE:
                self.answers["late"] += 1
                self._turn(0.0)
                continue
            self._shoot(volley.sent)
            if len(self._open) % 16 == 0:
                self._turn(0.0)
        end = time.monotonic() + GRACE
        while self._open and time.monotonic() < end:
            self._turn(0.1)
        self.answers["silent"] += len(self._open)

    def _shoot(self, sent: bytes) -> None:
        wire = socket.socket(socket.AF_INET, NON_BLOCKING)
        wire.connect_ex(self._target)
        number = wire.fileno()
        try:
            # On loopback the handshake is over when connect returns, unless the queue of the listener is full.
            wire.send(sent)
            sent, event = b"", select.EPOLLIN
        except BlockingIOError:
            event = select.EPOLLOUT
        except OSError:
            wire.close()
            self.answers["cut"] += 1
            return
        self._open[number] = wire, sent
        self._begun.append((time.monotonic(), number, wire))
        self._poll.register(number, event)

    def _turn(self, wait: float) -> None:
        for number, event in self._poll.poll(wait, 512):
            wire, sent = self._open[number]
            try:
                if event & select.EPOLLOUT and sent:
                    wire.send(sent)
                    self._open[number] = wire, b""
                    self._poll.modify(number, select.EPOLLIN)
                    continue
                head = wire.recv(16)
                self._end(number, head[9:12].decode("latin-1") or "cut")
            except OSError:
                self._end(number, "cut")
        now = time.monotonic()
        while self._begun and now - self._begun[0][0] > PATIENCE:
            _, number, wire = self._begun.popleft()
            if number in self._open and self._open[number][0] is wire:
                self._end(number, "silent")

    def _end(self, number: int, word: str) -> None:
        wire, _ = self._open.pop(number)
        # Closing takes it out of the poll too (epoll(7)); what came and was not read makes the end a reset.
        wire.close()
        self.answers[word] += 1


def main(port: int, begin: float) -> None:
    """Read, send, tell."""
    sender = Sender(port)
    volleys = pickle.load(sys.stdin.buffer)
    before = time.process_time()
    sender.send(volleys, begin)
    sender.answers[SPENT] = int((time.process_time() - before) * 1e6)
    sys.stdout.write(json.dumps(sender.answers))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
