"""A crowd on the wire: a connection for each client, each with a PROXY protocol header and one request.

By hand: ``python -m benchmarks.crowd http://127.0.0.1:8080/ --clients 100000 --seconds 60``. It is bounded in
both, goes to loopback only, and writes a line for every step of the way, for whoever watches the server meanwhile.

Bare sockets and epoll: a connection costs this end about as little as Python can make it cost. One client among them,
the pest, asks again and again.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import struct
import time
from collections import Counter

import click

from benchmarks.addresses import CLAIMED_SPACE, claimed_address, proxy_v2
from benchmarks.browser import request_bytes
from benchmarks.loopback import Target, loopback_target
from benchmarks.plan import MAX_CONNECTIONS, MAX_SECONDS

PEST = "198.51.100.77"  # RFC 5737; none of the crowd
STEP = 10_000
AT_ONCE = 256
GRACE = 3.0  # seconds an answer may take after the last client came
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of 0 s: no TIME_WAIT, of which 28,000 would use up all ports
_ENOUGH = 65_536


class Crowd:
    """One run. `clients` at most come, within `seconds`; the pest asks `pest_rate` times a second beside them."""

    def __init__(self, target: Target, *, clients: int, seconds: float, at_once: int, pest_rate: float) -> None:
        for name, value, limit in (
            ("clients", clients, CLAIMED_SPACE),
            ("seconds", seconds, MAX_SECONDS),
            ("at_once", at_once, MAX_CONNECTIONS),
        ):
            if not 0 < value <= limit:
                raise ValueError(f"{name} = {value}: must be above 0 and at most {limit}")
        self._target = target
        self._clients = clients
        self._seconds = seconds
        self._at_once = at_once
        self._pest_rate = pest_rate
        self._request = request_bytes(target.path, target.authority)
        self._poll = select.epoll()
        self._open: dict[int, tuple[socket.socket, bool]] = {}
        self.sent = 0
        self.statuses: Counter[str] = Counter()
        self.pest: Counter[str] = Counter()
        self.pest_span = 0.0
        self.errors: Counter[str] = Counter()

    def run(self) -> None:
        """Send until one of the bounds, and wait for the last answers."""
        began = time.monotonic()
        asked = 0
        first = 0.0
        while self.sent < self._clients and (now := time.monotonic()) - began < self._seconds:
            if self._pest_rate and now - began >= asked / self._pest_rate:
                asked += 1
                first = first or now
                self.pest_span = now - first
                self._connect(PEST, pest=True)
            while len(self._open) < self._at_once and self.sent < self._clients:
                self._connect(claimed_address(self.sent), pest=False)
                self.sent += 1
                if self.sent % STEP == 0:
                    click.echo(json.dumps({"clients": self.sent, "seconds": time.monotonic() - began}))
                if self.sent % 16 == 0:
                    break  # look at the clock and at the pest
            self._take(0.0 if len(self._open) < self._at_once else 0.01)
        give_up = time.monotonic() + GRACE
        while self._open and time.monotonic() < give_up:
            self._take(0.1)
        self.errors["no answer"] += len(self._open)
        for connection, _ in self._open.values():
            connection.close()
        self._poll.close()

    def _connect(self, client: str, *, pest: bool) -> None:
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            connection.connect((self._target.host, self._target.port))  # loopback: done at once, or the queue is full
            connection.setblocking(False)
            connection.send(proxy_v2(client, 40_000, self._target.host, self._target.port) + self._request)
        except OSError as error:
            self.errors[error.strerror or "error"] += 1
            connection.close()
            return
        self._open[connection.fileno()] = connection, pest
        self._poll.register(connection.fileno(), select.EPOLLIN)

    def _take(self, wait: float) -> None:
        for fileno, _ in self._poll.poll(wait, 512):
            connection, pest = self._open.pop(fileno)
            answer = b""
            with contextlib.suppress(OSError):
                answer = connection.recv(_ENOUGH)
            status = answer[9:12].decode("latin-1") or "closed"
            (self.pest if pest else self.statuses)[status] += 1
            connection.close()  # and with that it leaves the poll


@click.command()
@click.argument("url")
@click.option("--clients", default=100_000, show_default=True)
@click.option("--seconds", default=60.0, show_default=True)
@click.option("--at-once", default=AT_ONCE, show_default=True)
@click.option("--pest-rate", default=0.0, show_default=True, help="Requests a second of one client among them.")
def main(url: str, clients: int, seconds: float, at_once: int, pest_rate: float) -> None:
    """Send a crowd to URL on this machine; the last line is the result as one JSON object."""
    try:
        crowd = Crowd(loopback_target(url), clients=clients, seconds=seconds, at_once=at_once, pest_rate=pest_rate)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    began = time.monotonic()
    crowd.run()
    result = {
        "clients": crowd.sent,
        "seconds": time.monotonic() - began,
        "statuses": crowd.statuses,
        "pest": crowd.pest,
        "pest_seconds": crowd.pest_span,
        "errors": +crowd.errors,
    }
    click.echo(json.dumps(result))


if __name__ == "__main__":
    main()
