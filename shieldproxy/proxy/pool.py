"""The pool: kept-alive connections to the origin, bounded, with a bounded line of exchanges that wait for one."""

from __future__ import annotations

import asyncio
import math
import ssl
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shieldproxy.core.errors import ExchangeError
from shieldproxy.core.verdict import Side
from shieldproxy.proxy.origin_side import OriginConnection

if TYPE_CHECKING:
    from collections.abc import Callable

    from shieldproxy.core.ports import Monotonic
    from shieldproxy.proxy.exchange import Exchange


@dataclass(frozen=True, slots=True)
class OriginTerms:
    """Where the origin is and how it is spoken to. Times are seconds, ``buffer`` bytes. ``unix`` beats host, port."""

    host: str = ""
    port: int = 0
    unix: str = ""
    tls: ssl.SSLContext | None = None
    connect: float = 5.0
    response: float = 60.0
    idle: float = 30.0
    max_connections: int = 256
    max_waiting: int = 1_024
    buffer: int = 65_536


class Pool:
    """Connections to one origin. ``spawn`` starts a coroutine and keeps it from vanishing."""

    def __init__(self, terms: OriginTerms, *, clock: Monotonic, spawn: Callable[..., object]) -> None:
        self._terms = terms
        self.now = clock
        self._spawn = spawn
        self._idle: list[OriginConnection] = []
        self._open: set[OriginConnection] = set()
        self._former: set[OriginConnection] = set()
        self._waiting: deque[tuple[float, Exchange]] = deque()
        self._connecting = 0
        self.response_timeout = terms.response
        self.buffer = terms.buffer

    def adopt(self, terms: OriginTerms) -> None:
        """Speak to the origin by ``terms`` from now on; a connection to another one ends with its exchange."""
        before, self._terms = self._terms, terms
        self.response_timeout = terms.response
        self.buffer = terms.buffer
        if (before.host, before.port, before.unix, before.tls) == (terms.host, terms.port, terms.unix, terms.tls):
            return
        self._former |= self._open
        for origin in list(self._idle):
            origin.abort()
        self._idle.clear()

    @property
    def open_connections(self) -> int:
        """How many connections to the origin exist or are being made."""
        return len(self._open) + self._connecting

    def connect(self, exchange: Exchange) -> None:
        """Give ``exchange`` a connection: an idle one at once, a new one, or a place in the line; or fail it."""
        while self._idle:
            origin = self._idle.pop()
            if not origin.transport.is_closing():
                origin.deadline = math.inf
                exchange.attach(origin)
                return
        self.connect_for(exchange)

    def connect_for(self, exchange: Exchange) -> None:
        """Give ``exchange`` a connection that nobody used before."""
        if self.open_connections < self._terms.max_connections:
            self._connecting += 1
            self._spawn(self._make(exchange))
        elif len(self._waiting) < self._terms.max_waiting:
            self._waiting.append((self.now() + self._terms.connect, exchange))
        else:
            exchange.fail(ExchangeError(503, "busy", "all connections to the origin are in use", Side.ORIGIN))

    async def _make(self, exchange: Exchange) -> None:
        origin, terms = OriginConnection(self), self._terms
        try:
            await asyncio.wait_for(self._dial(origin, terms), terms.connect)
        except TimeoutError:
            self._failed(exchange, 504, "the origin did not accept the connection in time")
            return
        except (OSError, ssl.SSLError) as error:
            self._failed(exchange, 502, f"no connection to the origin: {error}")
            return
        self._connecting -= 1
        self._open.add(origin)
        if terms is not self._terms:
            self._former.add(origin)
        if exchange.done:
            # The client left meanwhile; somebody in the line may want the connection.
            self.give_back(origin)
        else:
            exchange.attach(origin)

    def _failed(self, exchange: Exchange, status: int, why: str) -> None:
        self._connecting -= 1
        exchange.fail(ExchangeError(status, "unreachable", why, Side.ORIGIN))
        self._serve_waiting()

    async def _dial(self, origin: OriginConnection, terms: OriginTerms) -> None:
        loop = asyncio.get_running_loop()
        if terms.unix:
            await loop.create_unix_connection(lambda: origin, terms.unix)
        else:
            await loop.create_connection(
                lambda: origin,
                terms.host,
                terms.port,
                ssl=terms.tls,
                server_hostname=terms.host if terms.tls else None,
            )

    def give_back(self, origin: OriginConnection) -> None:
        """Take back a connection in good order: for the first in the line, else for later."""
        if origin in self._former:
            origin.abort()
            return
        while self._waiting:
            _, exchange = self._waiting.popleft()
            if not exchange.done:
                exchange.attach(origin)
                return
        origin.deadline = self.now() + self._terms.idle
        self._idle.append(origin)

    def lost(self, origin: OriginConnection) -> None:
        """Forget a connection that ended; the first in the line may open another."""
        self._open.discard(origin)
        self._former.discard(origin)
        if origin in self._idle:
            self._idle.remove(origin)
        self._serve_waiting()

    def _serve_waiting(self) -> None:
        while self._waiting and self.open_connections < self._terms.max_connections:
            _, exchange = self._waiting.popleft()
            if not exchange.done:
                self.connect_for(exchange)

    def sweep(self, now: float) -> None:
        """Close what is past its deadline: silent origins, idle connections, exchanges that waited too long."""
        for origin in [origin for origin in self._open if origin.deadline <= now]:
            origin.expire()
        while self._waiting and self._waiting[0][0] <= now:
            _, exchange = self._waiting.popleft()
            exchange.fail(ExchangeError(503, "busy", "no free connection to the origin in time", Side.ORIGIN))

    def close(self) -> None:
        """Close every connection."""
        for origin in list(self._open):
            origin.abort()
