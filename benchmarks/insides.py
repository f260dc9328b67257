"""What a passed request costs inside a worker, without a socket: for changes of a microsecond.

A worker is wired as the product wires it; clients and the origin are objects that take what is written. The figure is
processor time of one thread, the least of many passes, so a busy machine moves it less. Kernel and event loop, nearly
half of what a request costs, are not in it: see ``python -m benchmarks`` for those.
"""

from __future__ import annotations

import asyncio
import gc
import os
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import click

from benchmarks.browser import request_bytes
from benchmarks.origin import PAGE
from benchmarks.peers import Task
from benchmarks.peers.shieldproxy import Shieldproxy
from shieldproxy.app.orders import Boot
from shieldproxy.app.worker import Worker
from shieldproxy.proxy.client_side import ClientConnection
from shieldproxy.settings.reading import load
from shieldproxy.state.memory import NodeMemory, Sizes

if TYPE_CHECKING:
    from collections.abc import Callable

    from shieldproxy.proxy.origin_side import OriginConnection
    from shieldproxy.state.channel import Channel

CONNECTIONS = 64
ROUNDS = 50
ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Mon, 03 Jun 2024 08:00:00 GMT\r\nContent-Type: text/html\r\n"
    b"Content-Length: %d\r\nLast-Modified: Mon, 03 Jun 2024 08:00:00 GMT\r\nConnection: keep-alive\r\n\r\n"
) % len(PAGE) + PAGE


class Cost(NamedTuple):
    """Microseconds of processor time a request: in the event loop's thread, and in the journal's."""

    loop: float
    journal: float


class Wire:
    """Stands for a transport: keeps what was written last, and is always open."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.written = b""

    def write(self, data: bytes) -> None:
        """Keep ``data``."""
        self.written = data

    def get_extra_info(self, name: str, default: object = None) -> object:
        """Both ends are this machine."""
        return {"peername": ("127.0.0.1", self.port), "sockname": ("127.0.0.1", 80)}.get(name, default)

    def is_closing(self) -> bool:
        """Never."""
        return False

    def set_write_buffer_limits(self, high: int, low: int = 0) -> None:
        """Nothing is buffered."""

    def get_write_buffer_size(self) -> int:
        """Nothing is buffered."""
        return 0


def wire_worker(room: Path) -> Worker:
    """Return a worker on its own memory, with its journal below ``room`` and no thread to write it."""
    peer = Shieldproxy(Task("pass", "http://127.0.0.1:9", frozenset({0})), room)
    settings = load(Path(peer.command()[-1]))
    (room / "state").mkdir()
    memory = NodeMemory.create(Sizes(65_536, 4_096, 4_096, 1), os.urandom(32))
    channel = cast("Channel", SimpleNamespace(report=lambda _said: None))
    return Worker(Boot(settings, (), "insides"), 0, memory, channel)


async def converse(worker: Worker, connections: int) -> tuple[list[ClientConnection], list[OriginConnection]]:
    """Return so many clients and connections to the origin, each of which has carried one request."""
    pool: Any = worker.door.pool

    async def dial(make: Callable[[], OriginConnection]) -> OriginConnection:
        origin = make()
        origin.connection_made(cast("asyncio.Transport", Wire(9)))
        return origin

    pool._dialler = SimpleNamespace(dial=dial)
    clients = [ClientConnection(worker.door) for _ in range(connections)]
    asked = request_bytes("/page.html", "service.example")
    for number, client in enumerate(clients):
        client.connection_made(cast("asyncio.Transport", Wire(40_000 + number)))
        client.data_received(asked)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    origins = list(pool._open)
    answer_all(origins)
    return clients, origins


def answer_all(origins: list[OriginConnection]) -> None:
    """Let the origin answer whatever it was asked."""
    for origin in origins:
        if origin.exchange is not None:
            origin.data_received(ANSWER)


async def measure(room: Path, passes: int, rounds: int = ROUNDS, connections: int = CONNECTIONS) -> Cost:
    """Return the least cost of ``passes`` passes of ``rounds`` requests on each connection.

    Raises ValueError when a request is not answered as it should be, or not written down.
    """
    worker = wire_worker(room)
    clients, origins = await converse(worker, connections)
    journal: Any = worker._equipment._journal
    journal._segments.open()
    journal._stop = SimpleNamespace(wait=lambda _seconds: False)  # no pause between slices: only work is measured
    asked = request_bytes("/page.html", "service.example")
    least = [float("inf"), float("inf")]
    gc.collect()
    gc.freeze()
    for _ in range(passes):
        begun = time.thread_time()
        for _ in range(rounds):
            for client in clients:
                client.data_received(asked)
            answer_all(origins)
        looped = time.thread_time()
        if len(journal._waiting) < rounds * connections:
            raise ValueError(f"{rounds * connections} requests, {len(journal._waiting)} records")
        journal.drain()
        least = [min(least[0], looped - begun), min(least[1], time.thread_time() - looped)]
    last = cast("Any", clients[0].transport).written
    if not last.startswith(b"HTTP/1.1 200 OK\r\n") or journal.problem:
        raise ValueError(f"answered with {last[:40]!r}, journal: {journal.problem or 'in order'}")
    requests = rounds * connections
    return Cost(least[0] / requests * 1e6, least[1] / requests * 1e6)


@click.command()
@click.option(
    "--passes", default=20, show_default=True, type=click.IntRange(1, 1_000), help="The least of so many counts."
)
def main(passes: int) -> None:
    """Print what a passed request costs inside a worker: processor time of the loop's thread and of the journal's."""
    with tempfile.TemporaryDirectory() as room:
        cost = asyncio.run(measure(Path(room), passes))
    loop, journal = cost
    click.echo(f"a passed request, no sockets: {loop:.1f} us in the loop, {journal:.1f} us in the journal's thread")


if __name__ == "__main__":
    main()
