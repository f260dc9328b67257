"""Workers played by small scripts: processes that do what a test asks of them, in slots of the supervisor."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

from shieldproxy.app.orders import Boot
from shieldproxy.settings.reading import load
from shieldproxy.supervisor.workers import WorkerProcess
from tests.supervisor.prepared_node import ListLog

# What every player begins with: its end of the channel, and the first order.
PROLOGUE = """
import json, os, socket, struct, sys, time
end = socket.socket(fileno=int(sys.argv[3]))
def take(size):
    data = b""
    while len(data) < size:
        piece = end.recv(size - len(data))
        if not piece:
            sys.exit(0)
        data += piece
    return data
def hear():
    return take(struct.unpack("!I", take(4))[0])
def say(report):
    data = report if isinstance(report, bytes) else json.dumps(report).encode()
    end.sendall(struct.pack("!I", len(data)) + data)
assert b"Boot" in hear()
"""


class Slot:
    """A worker slot with a player in it."""

    def __init__(self) -> None:
        self.log = ListLog()
        self.heard: list[dict[str, Any]] = []
        self.memory = os.memfd_create("test")
        self.process = WorkerProcess(
            0,
            memory_fd=self.memory,
            sockets=(),
            boot=lambda fds: Boot(load(None), fds, "edge"),
            hear=self.hear,
            log=self.log,
        )
        self.keeping = asyncio.ensure_future(self.process.keep())

    def hear(self, _index: int, report: dict[str, Any]) -> None:
        self.heard.append(report)
        if "ban" in report:
            report["ban"]["key"]

    async def end(self) -> None:
        await self.process.stop(0.0)
        await self.keeping
        os.close(self.memory)


Play = Callable[[str], Slot]


async def until(holds: Callable[[], object], what: str) -> None:
    """Return once something holds."""
    for _ in range(2_000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"never: {what}")
