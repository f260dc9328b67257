"""The pool: kept-alive connections to the origin, bounded, shared fairly, with a bounded line that waits for them."""

from __future__ import annotations

import errno
import math
from collections import deque
from typing import TYPE_CHECKING

from shieldproxy.core.errors import ExchangeError
from shieldproxy.core.verdict import Side
from shieldproxy.proxy.dialling import Dialler, Resolve, resolve
from shieldproxy.proxy.known_answers import KnownAnswers
from shieldproxy.proxy.origin_side import OriginConnection
from shieldproxy.proxy.request_heads import REPEATABLE
from shieldproxy.proxy.terms import OriginTerms

if TYPE_CHECKING:
    from collections.abc import Callable

    from shieldproxy.core.ports import Monotonic
    from shieldproxy.proxy.forwarding import ForwardedExchange

# A request that must not be sent twice goes over a connection only while it is this fresh (seconds of idleness):
# servers close idle ones after two seconds or more, and a request that meets the close is lost.
SURELY_OPEN = 1.0
# From here on (half of the connections in use) one client may have no more than its part (a quarter) of them, which
# is no less than a browser opens.
BUSY, PART, LEAST = 2, 4, 8
# What the system says when this machine has no descriptor, port or memory left for one more connection.
EXHAUSTED = frozenset((errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM))


class Pool:
    """Connections to one origin. ``spawn`` starts a coroutine and keeps it from vanishing."""

    def __init__(
        self, terms: OriginTerms, *, clock: Monotonic, spawn: Callable[..., object], resolver: Resolve = resolve
    ) -> None:
        self._terms = terms
        self.now = clock
        self._spawn = spawn
        self._resolver = resolver
        self._dialler = Dialler(terms, clock=clock, resolver=resolver)
        self._idle: list[OriginConnection] = []
        self._open: set[OriginConnection] = set()
        self._former: set[OriginConnection] = set()
        self._tunnels: set[OriginConnection] = set()
        self._held: dict[str, int] = {}
        self._waiting: deque[tuple[float, ForwardedExchange]] = deque()
        self._connecting = 0
        self.response_timeout = terms.response
        self.buffer = terms.buffer
        self.known_answers = KnownAnswers()

    def adopt(self, terms: OriginTerms) -> None:
        """Speak to the origin by ``terms`` from now on; a connection to another one ends with its exchange."""
        before, self._terms = self._terms, terms
        self.response_timeout = terms.response
        self.buffer = terms.buffer
        self._dialler = Dialler(terms, clock=self.now, resolver=self._resolver)
        if before.place == terms.place:
            return
        self._former |= self._open
        for origin in list(self._idle):
            origin.abort()
        self._idle.clear()

    @property
    def open_connections(self) -> int:
        """Connections to the origin that exist or are being made, tunnels apart."""
        return len(self._open) + self._connecting

    @property
    def tunnels(self) -> int:
        """How many connections to the origin are tunnels."""
        return len(self._tunnels)

    # -- who gets one -------------------------------------------------------------------------------------------------

    @property
    def strained(self) -> bool:
        """Whether so many wait for the origin that those who come now may soon be refused."""
        return len(self._waiting) * 2 >= self._terms.max_waiting

    @property
    def room(self) -> int:
        """For how many more there is a connection; below zero when as many wait in the line."""
        free = self._terms.max_connections - len(self._open) - self._connecting + len(self._idle)
        return free - len(self._waiting)

    @property
    def max_waiting(self) -> int:
        """How many may wait."""
        return self._terms.max_waiting

    def connect(self, exchange: ForwardedExchange) -> None:
        """Give ``exchange`` a connection: an idle one at once, a new one, or a place in the line; or fail it."""
        assert exchange.head is not None
        if exchange.head.upgrade and not self._may_tunnel(exchange):
            exchange.fail(ExchangeError(503, "busy", "all upgraded connections to the origin are in use", Side.SHIELD))
            return
        if not self._may_hold(exchange):
            self._line_up(exchange)
            return
        while self._idle:
            origin = self._idle[-1]
            if (
                exchange.head.method not in REPEATABLE
                and origin.deadline - self._terms.idle + SURELY_OPEN < self.now()
                and self.open_connections < self._terms.max_connections
            ):
                break
            self._idle.pop()
            if not origin.transport.is_closing():
                self._hold(exchange)
                self._hand_over(origin, exchange)
                return
        self.connect_for(exchange)

    def connect_for(self, exchange: ForwardedExchange) -> None:
        """Give ``exchange`` a connection that nobody used before, or a place in the line; or fail it."""
        if self.open_connections < self._terms.max_connections:
            self._connecting += 1
            self._hold(exchange)
            self._spawn(self._make(exchange))
        else:
            self._line_up(exchange)

    def _may_hold(self, exchange: ForwardedExchange) -> bool:
        """Tell whether its client may have one more: when many are in use, nobody has more than a part of them."""
        most = self._terms.max_connections
        if (len(self._open) + self._connecting - len(self._idle)) * BUSY < most:
            return True
        visit = exchange.visit
        return bool(visit.standing.exempt) or self._held.get(visit.visitor.client, 0) < max(LEAST, most // PART)

    def _may_tunnel(self, exchange: ForwardedExchange) -> bool:
        most, client = self._terms.max_connections, exchange.visit.visitor.client
        if len(self._tunnels) * BUSY < most or exchange.visit.standing.exempt:
            return len(self._tunnels) < most
        held = sum(origin.holder == client for origin in self._tunnels)
        return len(self._tunnels) < most and held < max(LEAST, most // PART)

    def _hold(self, exchange: ForwardedExchange) -> None:
        client = exchange.visit.visitor.client
        self._held[client] = self._held.get(client, 0) + 1

    def _let_go(self, client: str) -> None:
        held = self._held.get(client, 0)
        if held > 1:
            self._held[client] = held - 1
        else:
            self._held.pop(client, None)

    def _hand_over(self, origin: OriginConnection, exchange: ForwardedExchange) -> None:
        origin.deadline = math.inf
        origin.asked_at = self.now()
        origin.holder = exchange.visit.visitor.client
        exchange.attach(origin)

    # -- the line -----------------------------------------------------------------------------------------------------

    def _line_up(self, exchange: ForwardedExchange) -> None:
        most = self._terms.max_waiting
        if len(self._waiting) * BUSY >= most:
            self._waiting = deque(entry for entry in self._waiting if not entry[1].done)
            client = exchange.visit.visitor.client
            ahead = sum(1 for _, waiting in self._waiting if waiting.visit.visitor.client == client)
            if len(self._waiting) >= most or ahead >= max(LEAST, most // PART):
                exchange.fail(ExchangeError(503, "busy", "all connections to the origin are in use", Side.ORIGIN))
                return
        self._waiting.append((self.now() + self._terms.connect, exchange))

    def _next_in_line(self) -> ForwardedExchange | None:
        """Return the first of the line that is still there and may hold one more, and take it out."""
        passed: list[tuple[float, ForwardedExchange]] = []
        found = None
        while self._waiting and found is None:
            entry = self._waiting.popleft()
            if entry[1].gave_up():
                continue
            if self._may_hold(entry[1]):
                found = entry[1]
            else:
                passed.append(entry)
        self._waiting.extendleft(reversed(passed))
        return found

    def _serve_waiting(self) -> None:
        while self._waiting and self.open_connections < self._terms.max_connections:
            exchange = self._next_in_line()
            if exchange is None:
                return
            self.connect_for(exchange)

    # -- coming and going ---------------------------------------------------------------------------------------------

    async def _make(self, exchange: ForwardedExchange) -> None:
        dialler, terms = self._dialler, self._terms
        client = exchange.visit.visitor.client
        try:
            origin = await dialler.dial(lambda: OriginConnection(self))
        except TimeoutError:
            self._failed(exchange, 504, "the origin did not accept the connection in time", Side.ORIGIN)
            return
        except OSError as error:
            ours = error.errno in EXHAUSTED
            side, status = (Side.SHIELD, 503) if ours else (Side.ORIGIN, 502)
            self._failed(exchange, status, f"no connection to the origin: {error}", side)
            return
        except BaseException:
            self._connecting -= 1
            self._let_go(client)
            raise
        if origin.transport.is_closing():
            self._failed(exchange, 502, "the origin closed the connection at once", Side.ORIGIN)
            return
        self._connecting -= 1
        self._open.add(origin)
        origin.holder = client
        if terms.place != self._terms.place:
            self._former.add(origin)
        if exchange.done:
            # The client left meanwhile; somebody in the line may want the connection.
            self.give_back(origin)
        else:
            self._hand_over(origin, exchange)

    def _failed(self, exchange: ForwardedExchange, status: int, why: str, side: Side) -> None:
        self._connecting -= 1
        self._let_go(exchange.visit.visitor.client)
        exchange.fail(ExchangeError(status, "unreachable", why, side))
        self._serve_waiting()

    def give_back(self, origin: OriginConnection) -> None:
        """Take back a connection in good order: for the first in the line, else for later."""
        if origin.holder:
            self._let_go(origin.holder)
            origin.holder = ""
        if origin in self._former or origin.transport.is_closing():
            origin.abort()
            return
        origin.reused = True
        exchange = self._next_in_line() if self._waiting else None
        if exchange is not None:
            self._hold(exchange)
            self._hand_over(origin, exchange)
            return
        origin.deadline = self.now() + self._terms.idle
        self._idle.append(origin)

    def detach(self, origin: OriginConnection) -> None:
        """The connection became a tunnel: it is counted apart from now on."""
        self._open.discard(origin)
        self._let_go(origin.holder)
        self._tunnels.add(origin)
        self._serve_waiting()

    def lost(self, origin: OriginConnection) -> None:
        """Forget a connection that ended; the first in the line may open another."""
        self._former.discard(origin)
        if origin in self._tunnels:
            self._tunnels.discard(origin)
            return
        self._open.discard(origin)
        if origin.holder:
            self._let_go(origin.holder)
            origin.holder = ""
        if origin in self._idle:
            self._idle.remove(origin)
        self._serve_waiting()

    def sweep(self, now: float) -> None:
        """Close what is past its deadline: silent origins, idle connections, exchanges that waited too long."""
        for origin in [origin for origin in (*self._open, *self._tunnels) if origin.deadline <= now]:
            origin.expire()
        while self._waiting and self._waiting[0][0] <= now:
            _, exchange = self._waiting.popleft()
            exchange.fail(ExchangeError(503, "busy", "no free connection to the origin in time", Side.ORIGIN))

    def close(self) -> None:
        """Close every connection."""
        for origin in (*self._open, *self._tunnels):
            origin.abort()
