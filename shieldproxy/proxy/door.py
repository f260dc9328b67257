"""The main door: listens, keeps the connections and their deadlines, and wires client side to pool and guard."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections import Counter
from email.utils import formatdate
from typing import TYPE_CHECKING

from shieldproxy.core.errors import ExchangeError
from shieldproxy.core.verdict import Side
from shieldproxy.guard.fingerprints import Fingerprints
from shieldproxy.proxy.client_side import ClientConnection

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable, Coroutine

    from aiolimiter import AsyncLimiter

    from shieldproxy.core.ports import Monotonic, Tallies, WallClock
    from shieldproxy.guard.guard import Guard
    from shieldproxy.guard.replies import Reply
    from shieldproxy.proxy.exchange import Exchange
    from shieldproxy.proxy.pool import Pool
    from shieldproxy.proxy.terms import Terms

# Deadlines are checked this often (seconds): one loop over all connections costs less than a timer for each.
SWEEP = 0.5

REASONS = {
    200: b"OK",
    204: b"No Content",
    303: b"See Other",
    400: b"Bad Request",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    408: b"Request Timeout",
    413: b"Content Too Large",
    414: b"URI Too Long",
    417: b"Expectation Failed",
    421: b"Misdirected Request",
    429: b"Too Many Requests",
    431: b"Request Header Fields Too Large",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
    505: b"HTTP Version Not Supported",
}


class Door:
    """The main door of one worker.

    ``pace`` is aiolimiter's bucket for what reaches the origin, or None. ``on_failure`` hears of exchanges that
    failed: (status, what the operator needs to know, whose fault).
    """

    def __init__(  # noqa: PLR0913 - one argument for each collaborator
        self,
        terms: Terms,
        *,
        guard: Guard,
        pool: Pool,
        tallies: Tallies,
        clock: Monotonic,
        wall: WallClock,
        pace: AsyncLimiter | None,
        max_pacing: int,
        on_failure: Callable[[int, str, Side | None], None],
    ) -> None:
        self.terms = terms
        self.guard = guard
        self.pool = pool
        self.tallies = tallies
        self.clock = clock
        self.note_failure = on_failure
        self.fingerprints = Fingerprints()
        self.nowhere = ipaddress.ip_address("0.0.0.0")  # noqa: S104 - stands for "no address known", nothing binds to it
        self._wall = wall
        self._pace = pace
        self._max_pacing = max_pacing
        self._pacing = 0
        self._clients: set[ClientConnection] = set()
        self._by_key: Counter[str] = Counter()
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[object]] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._draining = False
        self._left = asyncio.Event()
        self._head_end: tuple[bytes, bytes] = (b"", b"")
        self._tell_time()

    # -- listening --------------------------------------------------------------------------------------------------

    async def open(self, sockets: list[socket.socket], tls: ssl.SSLContext | None) -> None:
        """Accept on ``sockets`` (bound and listening or not) until ``close``."""
        loop = asyncio.get_running_loop()
        secure = tls is not None
        for listening in sockets:
            server = await loop.create_server(
                lambda: ClientConnection(self, secure=secure), sock=listening, ssl=tls, backlog=4096
            )
            self._servers.append(server)
        self._sweep()

    async def drain(self, seconds: float) -> None:
        """Accept nothing more, let exchanges end for ``seconds`` at most, then close everything."""
        self._draining = True
        for server in self._servers:
            server.close()
        for client in list(self._clients):
            client.close_when_idle()
        deadline = self.clock() + seconds
        while self._clients and self.clock() < deadline:
            self._left.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._left.wait(), deadline - self.clock())
        for client in list(self._clients):
            client.abort()
        if self._sweeper is not None:
            self._sweeper.cancel()
        self.pool.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.sleep(0)

    def spawn(self, work: Coroutine[object, object, object]) -> None:
        """Run ``work`` beside the connections, and keep it until it ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- connections ------------------------------------------------------------------------------------------------

    @property
    def open_connections(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    def enter(self, client: ClientConnection) -> bool:
        """Take a new connection in; False when there are too many in all, or the door is closing."""
        if self._draining or len(self._clients) >= self.terms.max_connections:
            self.refuse_connection()
            return False
        self._clients.add(client)
        self.tallies.count("connections")
        return True

    def count_client(self, client: ClientConnection, key: str) -> bool:
        """Count the connection for its client key; False when that key has too many."""
        if self._by_key[key] >= self.terms.max_connections_per_client:
            return False
        self._by_key[key] += 1
        client.key = key
        return True

    def refuse_connection(self) -> None:
        """Count a connection that was closed before a byte was read."""
        self.tallies.count("connections_refused")

    def leave_client(self, client: ClientConnection) -> None:
        """Forget a connection that ended."""
        self._clients.discard(client)
        self._left.set()
        if client.key:
            self._by_key[client.key] -= 1
            if self._by_key[client.key] <= 0:
                del self._by_key[client.key]
            client.key = ""

    def _sweep(self) -> None:
        now = self.clock()
        self._tell_time()
        for client in [client for client in self._clients if client.deadline <= now]:
            client.expire()
        self.pool.sweep(now)
        self._sweeper = asyncio.get_running_loop().call_later(SWEEP, self._sweep)

    # -- what reaches the origin --------------------------------------------------------------------------------------

    def admit(self, exchange: Exchange) -> None:
        """Send an admitted exchange to the origin, paced where the configuration says so."""
        if self._pace is None:
            self.pool.connect(exchange)
        elif self._pacing >= self._max_pacing:
            exchange.fail(ExchangeError(503, "busy", "too many requests wait for the origin's pace", Side.SHIELD))
        else:
            self.spawn(self._paced(self._pace, exchange))

    def pace(self, pace: AsyncLimiter | None, max_pacing: int) -> None:
        """Pace what reaches the origin by ``pace`` from now on; who waits already keeps the place."""
        self._pace = pace
        self._max_pacing = max_pacing

    async def _paced(self, pace: AsyncLimiter, exchange: Exchange) -> None:
        self._pacing += 1
        try:
            await asyncio.wait_for(pace.acquire(), self.terms.pace_wait)
        except TimeoutError:
            exchange.fail(ExchangeError(503, "busy", "the origin's pace left no place in time", Side.SHIELD))
            return
        finally:
            self._pacing -= 1
        if not exchange.done:
            self.pool.connect(exchange)

    # -- our own answers ----------------------------------------------------------------------------------------------

    def serialise(self, reply: Reply, *, close: bool, bodiless: bool) -> bytes:
        """Return ``reply`` on the wire: status line, its headers, Date, Content-Length, Connection, body."""
        lines = b"".join([b"%b: %b\r\n" % header for header in reply.headers])
        return b"HTTP/1.1 %d %b\r\n%bContent-Length: %d%b%b" % (
            reply.status,
            REASONS.get(reply.status, b"Unknown"),
            lines,
            len(reply.body),
            self._head_end[close],
            b"" if bodiless else reply.body,
        )

    def _tell_time(self) -> None:
        date = formatdate(self._wall(), usegmt=True).encode()
        self._head_end = (
            b"\r\nDate: %b\r\n\r\n" % date,
            b"\r\nDate: %b\r\nConnection: close\r\n\r\n" % date,
        )
