"""The sender of floods, a process of its own: each request on a connection of its own, to this machine only.

``python -m benchmarks.field.sender PORT BEGIN`` reads pickled volleys from standard input (written by our own parent),
sends each at its time after BEGIN (monotonic clock), and prints one JSON object: answers by status, cut, late.
"""

from __future__ import annotations

import asyncio
import json
import pickle
import sys
import time
from collections import Counter
from typing import cast

import uvloop

from benchmarks.field.shots import Volley

# Connections under way at once; more means that the shield or this machine cannot follow.
AT_ONCE = 4_000
PATIENCE = 5.0
# A volley that is so late is not sent: it would not be the flood that was asked for.
LATE = 2.0


class Bolt(asyncio.Protocol):
    """One connection: sends, reads the status line, goes."""

    def __init__(self, sent: bytes, sender: Sender) -> None:
        self._sent = sent
        self._sender = sender
        self._transport: asyncio.BaseTransport | None = None
        self._status = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send all at once."""
        wire = cast("asyncio.Transport", transport)
        self._transport = wire
        wire.write(self._sent)
        self._alarm = asyncio.get_running_loop().call_later(PATIENCE, wire.abort)

    def data_received(self, data: bytes) -> None:
        """Take the status and close."""
        if not self._status:
            self._status = data[9:12].decode("latin-1")
            assert self._transport is not None
            self._transport.close()

    def connection_lost(self, _exc: Exception | None) -> None:
        """Count."""
        self._alarm.cancel()
        self._sender.ended(self._status or "cut")


class Sender:
    """Sends volleys."""

    def __init__(self, port: int) -> None:
        self.answers: Counter[str] = Counter()
        self._port = port
        self._open = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def ended(self, word: str) -> None:
        """Hear that a connection is over."""
        self._open -= 1
        self.answers[word] += 1

    async def send(self, volleys: list[Volley], begin: float) -> None:
        """Send them all and wait for the last answers."""
        for volley in volleys:
            wait = begin + volley.at - time.monotonic()
            if wait > 0.0:
                await asyncio.sleep(wait)
            if wait < -LATE or self._open >= AT_ONCE:
                self.answers["late"] += 1
                continue
            self._open += 1
            task = asyncio.ensure_future(self._shoot(volley.sent))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        for _ in range(60):
            if not self._open:
                return
            await asyncio.sleep(0.1)

    async def _shoot(self, sent: bytes) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: Bolt(sent, self), "127.0.0.1", self._port)
        except OSError:
            self.ended("refused")


async def main(port: int, begin: float) -> None:
    """Read, send, tell."""
    volleys = await asyncio.to_thread(pickle.load, sys.stdin.buffer)
    sender = Sender(port)
    await sender.send(volleys, begin)
    sys.stdout.write(json.dumps(sender.answers))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1]), float(sys.argv[2])))
