"""The origin side: one connection to the protected site, its parser, its deadline."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, cast

import httptools

from shieldproxy.proxy.exchange import NOBODY
from shieldproxy.proxy.response_heads import UNTIL_CLOSE, describe

if TYPE_CHECKING:
    from shieldproxy.proxy.fields import Field
    from shieldproxy.proxy.forwarding import ForwardedExchange
    from shieldproxy.proxy.pool import Pool
    from shieldproxy.proxy.tunnel import Tunnel

# Larger than any server's own limit on what it sends; a head beyond it is garbage (502).
MAX_RESPONSE_HEAD = 65_536


class OriginConnection(asyncio.Protocol):
    """One connection to the origin, used by one exchange at a time, then given back to the pool.

    ``holder`` is the client key it is in use for.
    """

    __slots__ = (
        "_awaited",
        "_complete",
        "_fields",
        "_framing",
        "_head_size",
        "_in_head",
        "_keep_alive",
        "_parser",
        "_pool",
        "_reading_paused",
        "_reason",
        "_surplus",
        "_switched",
        "asked_at",
        "deadline",
        "exchange",
        "holder",
        "reused",
        "spoken",
        "transport",
        "tunnel",
    )

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.transport: asyncio.Transport = cast("asyncio.Transport", None)
        self.exchange: ForwardedExchange | None = None
        self.holder = ""
        self.reused = self.spoken = False
        self.deadline = math.inf
        self.asked_at = 0.0
        self.tunnel: Tunnel | None = None
        self._reading_paused = self._awaited = False
        self._renew_parser()

    def _renew_parser(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._reset()

    def _reset(self) -> None:
        self._reason = b""
        self._fields: list[Field] = []
        self._head_size = 0
        self._in_head = True
        self._framing = 0
        self._complete = self._surplus = self._switched = False
        self._keep_alive = True

    # -- transport ----------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=self._pool.buffer)

    def data_received(self, data: bytes) -> None:
        if self.tunnel is not None:
            self.tunnel.from_origin(data)
            return
        exchange = self.exchange
        if exchange is None:
            # Nothing was asked: an origin that speaks unasked is out of step, its connection is not reused.
            self.abort()
            return
        fresh, self.spoken = not self.spoken, True
        if fresh and self._take_known(exchange, data):
            return
        if self._awaited:
            self.deadline = self._pool.now() + self._pool.response_timeout
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._switch(exchange, data[upgrade.args[0] :])
            return
        except (httptools.HttpParserError, ValueError) as error:
            # Bytes after a final answer are the origin's mistake; the answer itself was whole.
            if not self._complete:
                self._fail(f"the origin's answer cannot be read: {describe(error)}")
                return
            self._surplus = True
        if self._in_head:
            self._head_size += len(data)
            if self._head_size > MAX_RESPONSE_HEAD:
                self._fail("the origin's response head is longer than 64 KiB")
                return
        exchange.flush()
        if self._complete:
            if fresh and self._framing > 0 and not self._surplus and self._keep_alive and exchange.took_plain:
                self._pool.known_answers.learn(data, exchange.status, self._reason, self._fields, self._framing)
            exchange.end_response()

    def _take_known(self, exchange: ForwardedExchange, data: bytes) -> bool:
        """Take ``data`` for a whole answer whose head came before, past the parser; False when it must be read."""
        known = self._pool.known_answers.find(data)
        if known is None or not exchange.take_known(*known):
            return False
        self.exchange = None
        self._awaited = False
        self.deadline = math.inf
        if self.transport.is_closing() or self._reading_paused:
            self.abort()
        else:
            self.spoken = False
            self._pool.give_back(self)
        exchange.finish(NOBODY)
        return True

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._parser = cast("httptools.HttpResponseParser", None)  # it holds on to us
        self._pool.lost(self)
        tunnel, self.tunnel = self.tunnel, None
        if tunnel is not None:
            tunnel.end()
        exchange = self.exchange
        if exchange is None:
            return
        if not self._in_head and self._framing == UNTIL_CLOSE and exc is None:
            self._complete = True
            self._surplus = True
            exchange.end_response()
            return
        self.exchange = None
        exchange.lost_origin(self, "the origin closed the connection before its answer was whole", 502)

    def pause_writing(self) -> None:
        if self.tunnel is not None:
            self.tunnel.hold_client()
        elif self.exchange is not None:
            self.deadline = self._pool.now() + self._pool.response_timeout
            self.exchange.client.hold_body()

    def resume_writing(self) -> None:
        if self.tunnel is not None:
            self.tunnel.release_client()
        elif self.exchange is not None:
            if not self._awaited:
                self.deadline = math.inf
            self.exchange.client.release_body()

    def hold_reading(self) -> None:
        """Stop reading: the client does not keep up."""
        if not self._reading_paused and not self.transport.is_closing():
            self._reading_paused = True
            self.transport.pause_reading()
            self.deadline = math.inf

    def release_reading(self) -> None:
        """Read on."""
        if self._reading_paused and not self.transport.is_closing():
            self._reading_paused = False
            self.transport.resume_reading()
            if self._awaited:
                self.await_response()

    # -- parser callbacks ---------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._complete:
            self._surplus = True
            return
        self._reason = b""
        self._fields = []
        self._in_head = True

    def on_status(self, reason: bytes) -> None:
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head and not self._complete:
            self._fields.append((name.lower(), name, value))

    def on_headers_complete(self) -> None:
        exchange = self.exchange
        if self._complete or exchange is None:
            return
        status = self._parser.get_status_code()
        self._in_head = False
        self._head_size = 0
        if status < 100 or self._parser.get_http_version() not in ("1.1", "1.0"):
            raise ValueError(f"HTTP/{self._parser.get_http_version()} {status} is no answer of HTTP/1")
        if status == 101:
            # Whether it is one that was asked for is seen where the parser stops behind it.
            self._switched = True
            if not self._parser.should_upgrade():
                raise ValueError("a switch to no protocol")
            return
        if status < 200:
            exchange.take_interim(status, self._reason, self._fields)
            return
        self._framing = exchange.take_head(status, self._reason, self._fields)
        self._keep_alive = self._framing != UNTIL_CLOSE and self._parser.should_keep_alive()
        if self._framing == 0:
            self._complete = True

    def on_body(self, chunk: bytes) -> None:
        exchange = self.exchange
        if self._complete or exchange is None:
            self._surplus = True
            return
        exchange.take_data(chunk)

    def on_message_complete(self) -> None:
        if not self._in_head and self.exchange is not None and self.exchange.responding:
            self._complete = True

    # -- use ----------------------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send ``data`` to the origin."""
        self.transport.write(data)

    def await_response(self) -> None:
        """The request is sent whole: the response has to begin, and then to go on, in time."""
        self._awaited = True
        self.asked_at = self._pool.now()
        self.deadline = self.asked_at + self._pool.response_timeout

    def expire(self) -> None:
        """The deadline passed: no answer, or an answer that stopped."""
        exchange = self.exchange
        self.exchange = None
        self.abort()
        if exchange is not None:
            exchange.lost_origin(self, "the origin did not answer in time", 504)

    def release(self) -> None:
        """Give the connection back: reused when the origin allows it and nothing is left over, else closed."""
        self.exchange = None
        self._awaited = False
        self.deadline = math.inf
        unsent = self.transport.get_write_buffer_size()  # the origin answered what it has not read
        if self._surplus or unsent or not self._keep_alive or self.transport.is_closing() or self._reading_paused:
            self.abort()
            return
        if self._framing == 0 or not self._complete:
            # After HEAD and the like the parser still waits for a body that never comes.
            self._renew_parser()
        else:
            self._reset()
        self.spoken = False
        self._pool.give_back(self)

    def leave(self) -> None:
        """Close when all is sent, which an origin that does not read may not put off for ever."""
        self.tunnel = None
        self.deadline = self._pool.now() + self._pool.response_timeout
        self.transport.close()

    def abort(self) -> None:
        """Close at once."""
        self.transport.abort()

    def _fail(self, why: str) -> None:
        exchange, self.exchange = self.exchange, None
        self.abort()
        if exchange is not None:
            self.spoken = True
            exchange.lost_origin(self, why, 502)

    def _switch(self, exchange: ForwardedExchange, rest: bytes) -> None:
        """101: the connection belongs to another protocol from here on."""
        if not self._switched or exchange.head is None or not exchange.head.upgrade:
            self._fail("the origin switched protocols unasked")
            return
        self.exchange = None
        self.deadline = math.inf
        self._pool.detach(self)
        exchange.switch(self, self._reason, self._fields, rest)
