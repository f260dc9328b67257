"""A steady load for latencies: ``python -m benchmarks.pace URL --rate 2000 --seconds 5``.

Requests are due at moments fixed beforehand, one after the other as visitors come by chance (a Poisson process whose
seed is always the same), whatever the server does. A latency counts from the moment a request was due, so a server that
stalls is charged for all who had to wait, also for those that could not even be sent.
"""

from __future__ import annotations

import json
import random
import re
import select
import socket
import time
from collections import deque
from typing import TYPE_CHECKING

import click

from benchmarks.browser import request_bytes
from benchmarks.latencies import Latencies
from benchmarks.loopback import loopback_target

if TYPE_CHECKING:
    from benchmarks.loopback import Target

MAX_RATE = 20_000.0
MAX_SECONDS = 120.0
CONNECTIONS = 64
GRACE = 2.0  # seconds the last answers may take
SEED = 2024
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


class Line:
    """One kept connection and what has come of the answer so far."""

    def __init__(self, target: Target) -> None:
        self.socket = socket.create_connection((target.host, target.port), timeout=5.0)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.due = 0.0
        self._got = b""

    def fileno(self) -> int:
        """For select."""
        return self.socket.fileno()

    def ask(self, request: bytes, due: float) -> None:
        """Send a request that was due at `due`."""
        self.due = due
        self._got = b""
        self.socket.send(request)

    def take(self) -> int:
        """Read what is there; the status of a whole answer, 0 while more is to come. OSError when there is none."""
        data = self.socket.recv(65_536)
        if not data:
            raise OSError("closed")
        self._got += data
        head, end, body = self._got.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or length is None or len(body) < int(length[1]):
            return 0
        return int(head[9:12])


class Pace:
    """One run at `rate` requests a second for `seconds`; ValueError beyond the bounds."""

    def __init__(self, target: Target, rate: float, seconds: float) -> None:
        if not 0 < rate <= MAX_RATE or not 0 < seconds <= MAX_SECONDS:
            raise ValueError(f"rate must be above 0 and at most {MAX_RATE:g}, seconds at most {MAX_SECONDS:g}")
        self._target = target
        self._rate = rate
        self._seconds = seconds
        self.latencies = Latencies()
        self.failed = 0

    def run(self) -> None:
        """Send what is due when it is due, or as soon after as a connection is free."""
        request = request_bytes(self._target.path, self._target.authority)
        idle = deque(Line(self._target) for _ in range(CONNECTIONS))
        busy: set[Line] = set()
        chance = random.Random(SEED)  # the same moments for every server
        began = time.perf_counter()
        due = began
        end = began + self._seconds
        while busy or due < end:
            now = time.perf_counter()
            while due <= now and due < end and idle:
                line = idle.popleft()
                line.ask(request, due)
                busy.add(line)
                due += chance.expovariate(self._rate)
            if now > end + GRACE:
                break
            wait = max(0.0, due - now) if due < end and idle else 0.1
            for line in select.select(list(busy), (), (), wait)[0]:
                self._settle(line, idle, busy)
        self.failed += len(busy)
        for line in (*idle, *busy):
            line.socket.close()

    def _settle(self, line: Line, idle: deque[Line], busy: set[Line]) -> None:
        try:
            status = line.take()
        except OSError:
            status = -1
        if not status:
            return
        busy.discard(line)
        if status == 200:
            self.latencies.add(time.perf_counter() - line.due)
            idle.append(line)
            return
        self.failed += 1
        line.socket.close()
        idle.append(Line(self._target))


@click.command()
@click.argument("url")
@click.option("--rate", default=2_000.0, show_default=True, help="Requests a second.")
@click.option("--seconds", default=5.0, show_default=True)
def main(url: str, rate: float, seconds: float) -> None:
    """Ask URL on this machine at a steady rate and print the latencies as one JSON object."""
    try:
        pace = Pace(loopback_target(url), rate, seconds)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    pace.run()
    took = {f"p{share:g}_us": pace.latencies.percentile(share / 100) for share in (50, 90, 99)}
    click.echo(json.dumps({"requests": pace.latencies.count, "failed": pace.failed, **took}))


if __name__ == "__main__":
    main()
