"""Row: memory of the server for one connection that waits for the next request, and for one request under way."""

from __future__ import annotations

import contextlib
import resource
import socket
import threading
import time
from typing import TYPE_CHECKING

from benchmarks.addresses import source_address
from benchmarks.browser import request_bytes
from benchmarks.comparison import Bench, room_in
from benchmarks.node import Node
from benchmarks.origin import Origin
from benchmarks.peers import ALL, Task
from benchmarks.resident import resident
from benchmarks.rows.finding import Finding, Result, left_out, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WARM = 200
"""Connections before the first look: what a server makes once it has made by then."""
MANY = 2_000
SERVERS = ("shieldproxy", "nginx")
WIDE = "max_connections = 20000"
"""Far more than are used, so that nobody is kept waiting for a place or challenged for want of one."""
GENEROUS = '[limits.client]\nscope = "client"\nrate = 1000000\nburst = 1000000\naction = "throttle"\n'
GENEROUS += "[posture]\naudit = 0\nfloor = 1000000\n"
PATIENCE = 30.0


class Silence:
    """An origin that takes every request and answers none."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self._taken: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def taken(self) -> int:
        """How many connections it has."""
        return len(self._taken)

    def close(self) -> None:
        """Hang up on all of them."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(5.0)
        self._listener.close()
        for taken in self._taken:
            taken.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._taken.append(self._listener.accept()[0])


def memory(bench: Bench) -> Result:
    """Each connection comes from a loopback address of its own; sockets of the kernel are not counted."""
    _allow_files(4 * MANY)
    found = []
    for name in SERVERS:
        if ALL[name].missing():
            found.append(left_out("memory", name, "", ALL[name].missing()))
            continue
        bench.tell(f"memory: {name}, idle")
        with room_in(bench.space, "origin") as room, Origin(room, bench.cores.origin) as origin:
            found.append(_told(name, "idle connection", _each(bench, name, origin.url, None)))
        bench.tell(f"memory: {name}, active")
        silence = Silence()
        try:
            found.append(_told(name, "request under way", _each(bench, name, silence.url, silence)))
        finally:
            silence.close()
    return Result(found)


def _told(name: str, what: str, each: float) -> Finding:
    return told("memory", f"{name}, an {what}, KiB".replace("an request", "a request"), f"{each / 1024:.1f}")


def _each(bench: Bench, name: str, origin: str, silence: Silence | None) -> float:
    """Bytes for each of MANY connections, after WARM of them."""
    with room_in(bench.space, name) as room, _standing(bench, name, origin, room) as (pid, port):
        held = [_visit(number, port, wait=silence is None) for number in range(WARM)]
        _settle(silence, WARM)
        before = resident(pid).private
        held += [_visit(number, port, wait=silence is None) for number in range(WARM, WARM + MANY)]
        _settle(silence, WARM + MANY)
        after = resident(pid).private
        for connection in held:
            connection.close()
        return (after - before) / MANY


@contextlib.contextmanager
def _standing(bench: Bench, name: str, origin: str, room: Path) -> Iterator[tuple[int, int]]:
    if name == "shieldproxy":
        with Node(room, bench.cores.server, origin=origin, server=WIDE, site=WIDE, more=GENEROUS) as node:
            yield node.pid, node.port
        return
    peer = ALL[name](Task("pass", origin, bench.cores.server), room)
    try:
        peer.start()
        yield peer.pid, peer.port
    finally:
        peer.stop()


def _visit(number: int, port: int, *, wait: bool) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), 10.0, source_address=(source_address(number), 0))
    connection.sendall(request_bytes("/page.html", f"127.0.0.1:{port}"))
    if wait and not (answer := connection.recv(65_536)).startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"visitor {number} did not get the page: {answer[:40]!r}")
    return connection


def _settle(silence: Silence | None, wanted: int) -> None:
    """Wait until all requests are at the origin, and a moment for what the server does beside them."""
    give_up = time.monotonic() + PATIENCE
    while silence is not None and silence.taken < wanted:
        if time.monotonic() > give_up:
            raise RuntimeError(f"only {silence.taken} of {wanted} requests came to the origin")
        time.sleep(0.05)
    time.sleep(1.0)


def _allow_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
