"""The client side: one connection from a client; bytes to heads, heads to exchanges, one after the other.

Pipelined requests wait in line; while one waits, nothing more is read, so the line is bounded by what one read
brings (256 KiB). All deadlines are one number that the door's sweep compares with the clock.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import TYPE_CHECKING, cast

import httptools

from shieldproxy.core.addresses import Address, parse_address, within
from shieldproxy.core.facts import Malformed, Request
from shieldproxy.core.paths import plain_path
from shieldproxy.guard.forwarders import Caller, caller_of
from shieldproxy.guard.visits import Peer, Visit
from shieldproxy.proxy.exchange import Exchange
from shieldproxy.proxy.heads import Field, read_request_head
from shieldproxy.proxy.proxy_protocol import read_announcement
from shieldproxy.proxy.terms import ClientAddress

if TYPE_CHECKING:
    from shieldproxy.proxy.door import Door
    from shieldproxy.proxy.tunnel import Tunnel

# After an answer to a request that was not read to its end, so much more is read and thrown away, for so many
# seconds: closing at once would reset the connection under the answer (RFC 9112, 9.6).
LINGER_BYTES = 262_144
LINGER_SECONDS = 2.0


class ClientConnection(asyncio.Protocol):
    """One connection from a client."""

    def __init__(self, door: Door, *, secure: bool = False) -> None:
        self.door = door
        self.secure = secure  # the visitor came over TLS, to us or to the balancer before us
        self._encrypted = secure  # this connection is TLS
        self.transport: asyncio.Transport = cast("asyncio.Transport", None)
        self.peer = Peer("")
        self.deadline = math.inf
        self.closing = False
        self.key = ""
        self._address: Address | None = None
        self._visit: Visit | None = None
        self._lines = b""
        self._lines_for = ""
        self._announcement = b"" if door.terms.client_address is ClientAddress.PROXY_PROTOCOL else None
        self._line: deque[Exchange] = deque()
        self._parsing: Exchange | None = None
        self._trusted = False
        self._deaf = False
        self._starting = False
        self._tunnel: Tunnel | None = None
        self._lingering = -1
        self._held = False
        self._write_held = False
        self._renew_parser()

    # -- transport ------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=self.door.terms.buffer)
        self.peer = peer_of(transport, secure=self.secure)
        self._address = parse_address(self.peer.src_ip) or self.door.nowhere
        self._trusted = within(self._address, self.door.terms.trusted)
        self.deadline = self.door.clock() + self.door.terms.header
        if not self.door.enter(self):
            self.abort()
            return
        if self._announcement is None:
            self._know(self._address)

    def _know(self, address: Address) -> None:
        """Take ``address`` for the client; a banned one is let go before a byte of it is parsed."""
        self._address = address
        self._visit = self.door.guard.meet(address)
        if self.door.guard.banned(self._visit) or not self.door.count_client(self, self._visit.visitor.client):
            self.door.refuse_connection()
            self.abort()

    def data_received(self, data: bytes) -> None:
        if self._tunnel is not None:
            self._tunnel.from_client(data)
        elif self._lingering >= 0:
            self._lingering -= len(data)
            if self._lingering < 0:
                self.abort()
        elif self._announcement is not None:
            self._read_announcement(self._announcement + data)
        elif self._parsing is not None or not (self._deaf or self.closing):
            self._feed(data)

    def eof_received(self) -> bool:
        """Half-closed: the answer to a request that was read to its end is still sent (not possible under TLS)."""
        busy = bool(self._line) and all(exchange.body_complete for exchange in self._line)
        if not busy or self._encrypted or self._tunnel is not None:
            return False
        self.closing = True
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.closing = True
        self.door.leave_client(self)
        tunnel, self._tunnel = self._tunnel, None
        if tunnel is not None:
            tunnel.end()
        for exchange in list(self._line):
            exchange.client_gone()
        self._line.clear()

    def pause_writing(self) -> None:
        self._write_held = True
        self.deadline = self.door.clock() + self.door.terms.write
        if self._tunnel is not None:
            self._tunnel.hold_origin()
        elif self._line and self._line[0].origin is not None:
            self._line[0].origin.hold_reading()

    def resume_writing(self) -> None:
        self._write_held = False
        self.deadline = math.inf
        if self._tunnel is not None:
            self._tunnel.release_origin()
        elif self._line and self._line[0].origin is not None:
            self._line[0].origin.release_reading()

    def write(self, data: bytes) -> None:
        """Send ``data`` to the client."""
        self.transport.write(data)

    def abort(self) -> None:
        """Close at once, unsent bytes lost."""
        self.closing = True
        self.transport.abort()

    # -- PROXY protocol ---------------------------------------------------------------------------------------------

    def _read_announcement(self, data: bytes) -> None:
        assert self._address is not None
        if not self._trusted:
            self.door.note_failure(400, "a PROXY announcement from a peer that is not trusted", None)
            self.abort()
            return
        try:
            said = read_announcement(data)
        except ValueError as error:
            self.door.note_failure(400, str(error), None)
            self.abort()
            return
        if said is None:
            self._announcement = data
            return
        self._announcement = None
        address = parse_address(said.src_ip) if said.src_ip else self._address
        if said.src_ip:
            self.peer = Peer(said.src_ip, said.src_port, said.dst_ip, said.dst_port, said.tls, said.ja4)
            self.secure = bool(said.tls)
        self._know(address or self._address)
        if data[said.size :] and not self.closing:
            self._feed(data[said.size :])

    # -- heads ------------------------------------------------------------------------------------------------------

    def _renew_parser(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._in_head = False
        self._target = b""
        self._fields: list[Field] = []
        self._head_size = 0
        self._raw = b""

    def _feed(self, data: bytes) -> None:
        if not self._in_head and self._parsing is None:
            self.deadline = self.door.clock() + self.door.terms.header
        elif self._parsing is not None:
            self.deadline = self.door.clock() + self.door.terms.body_idle
        self._raw = self._raw + data if self._in_head else data
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade_asked(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._unreadable(error)
        if self._in_head:
            self._head_size += len(data)
            if self._head_size > self.door.terms.max_head:
                self._in_head = False
                self._line_up_malformed(Malformed(431, f"head is longer than {self.door.terms.max_head} bytes"))
        if not self._in_head and self._parsing is None and self._line:
            # The request is whole: the origin's clock runs now, not the client's.
            self.deadline = math.inf
        self._start_next()
        if self._backlog() and not self.closing:
            self.hold_reading()

    def _backlog(self) -> bool:
        line = self._line
        return len(line) > 1 or (bool(line) and line[0].buffered > self.door.terms.buffer)

    def on_message_begin(self) -> None:
        self._in_head = True
        self._target = b""
        self._fields = []
        self._head_size = 0

    def on_url(self, part: bytes) -> None:
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            self._fields.append((name.lower(), name, value))

    def on_headers_complete(self) -> None:
        if not self._in_head:
            return
        self._in_head = False
        if self._deaf or self.closing:
            return
        terms, fields = self.door.terms, self._fields
        if len(fields) > terms.max_headers or sum_of(fields) > terms.max_head:
            self._line_up_malformed(Malformed(431, f"more than {terms.max_headers} header lines, or a longer head"))
            return
        method, version = self._parser.get_method(), self._parser.get_http_version()
        # llhttp takes several spaces for one; a parser that does not would see another target.
        if b"%b %b HTTP/%b\r\n" % (method, self._target, version.encode()) not in self._raw:
            self._line_up_malformed(Malformed(400, "the request line is not method, target and version with one space"))
            return
        head = read_request_head(
            method,
            self._target,
            version,
            fields,
            keep_alive=self._parser.should_keep_alive(),
            upgrading=self._parser.should_upgrade(),
            max_target=terms.max_target,
        )
        if isinstance(head, Malformed):
            self._line_up_malformed(head)
        elif not terms.serves(head.host):
            self._line_up_malformed(Malformed(421, "no site of that name is served here"))
        else:
            request = self._request(head.method, head.target, head.host, head.version)
            self._parsing = Exchange(self, self._caller(), request, head)
            self._line.append(self._parsing)

    def on_body(self, chunk: bytes) -> None:
        if self._parsing is not None:
            self._parsing.take_body(chunk)

    def on_message_complete(self) -> None:
        parsing, self._parsing = self._parsing, None
        if parsing is not None:
            parsing.end_body()

    def _request(self, method: bytes, target: bytes, host: bytes, version: str) -> Request:
        path, _, query = target.decode("latin-1").partition("?")
        headers: dict[bytes, bytes] = {}
        for lower, _, value in self._fields:
            if lower not in headers:
                headers[lower] = value
        return Request(
            method.decode("latin-1"),
            host.decode("latin-1").lower(),
            path,
            query,
            version,
            headers,
            self.door.fingerprints.of(self._fields),
            plain_path(path),
        )

    def _caller(self) -> tuple[Visit, Caller]:
        """Return whose request it is: the connection's client, or the one a trusted forwarder speaks for."""
        assert self._address is not None
        guard, terms = self.door.guard, self.door.terms
        here = Caller(self._address, self.peer, self.secure)
        if terms.client_address is ClientAddress.FORWARDED_FOR and self._trusted:
            caller = caller_of(self._fields, here, terms.trusted)
            return guard.meet(caller.address), caller
        known = self._visit
        self._visit = guard.meet(self._address) if known is None else guard.renew(known, self._address)
        return self._visit, here

    def forwarded_lines(self, exchange: Exchange) -> bytes:
        """Return the X-Forwarded-* lines for the origin: the trusted chain and the peer, nobody's mere claim."""
        visitor = exchange.visit.visitor
        chain = visitor.address
        if chain != self.peer.src_ip and self.peer.src_ip:
            chain = f"{chain}, {self.peer.src_ip}"
        host = exchange.request.host
        scheme = "https" if exchange.caller.secure else "http"
        wanted = f"{chain} {scheme} {host}"
        if wanted != self._lines_for:
            self._lines_for = wanted
            self._lines = (
                f"X-Forwarded-For: {chain}\r\nX-Forwarded-Proto: {scheme}\r\nX-Forwarded-Host: {host}\r\n"
            ).encode("latin-1")
        return self._lines

    # -- what cannot be read ----------------------------------------------------------------------------------------

    def _unreadable(self, error: httptools.HttpParserError) -> None:
        if self._parsing is not None:
            # The body broke: whatever follows has no boundary any more.
            broken, self._parsing = self._parsing, None
            self._deaf = True
            if broken.decision is None:
                self._line.remove(broken)
                whose = broken.visit, broken.caller
                self._line.append(Exchange(self, whose, broken.request, None, Malformed(400, str(error))))
            else:
                broken.break_body(400, f"request body: {error}")
        elif not (self._line and self._line[-1].close_after):
            # Bytes behind a request that closes the connection are nobody's; all else is a broken head.
            self._in_head = False
            self._line_up_malformed(Malformed(400, str(error) or "the message cannot be parsed"))
        self._in_head = False

    def _line_up_malformed(self, reason: Malformed) -> None:
        if self._deaf:
            return
        self._deaf = True
        target = self._target[: self.door.terms.max_target]
        request = self._request(b"", target, b"", "")
        self._line.append(Exchange(self, self._caller(), request, None, reason))
        self._parsing = None

    def _upgrade_asked(self, rest: bytes) -> None:
        """The parser stops at a request that asks for an upgrade; if that is not granted, parsing goes on anew."""
        self._renew_parser()
        self._parsing = None
        if rest and self._line and self._line[-1].head is not None and self._line[-1].head.upgrade:
            # Nothing may follow before the other side has switched; what does is a request nobody can place.
            self._line[-1].close_after = True
            return
        if rest and not self.closing:
            self._feed(rest)

    # -- exchanges, one after the other -------------------------------------------------------------------------------

    def _start_next(self) -> None:
        if self._starting:
            return
        self._starting = True
        try:
            while self._line and self._line[0].decision is None and not self.transport.is_closing():
                self._line[0].start()
        finally:
            self._starting = False

    def exchange_done(self, exchange: Exchange) -> None:
        """The exchange in front has ended: close, or go on with the next."""
        if self._line and self._line[0] is exchange:
            self._line.popleft()
        if exchange.close_after or (self.closing and not self._line):
            self._close(exchange)
            return
        terms = self.door.terms
        if not self._line and not self._write_held:
            self.deadline = self.door.clock() + terms.idle
        if self._held and not self._backlog():
            self.release_reading()
        self._start_next()

    def _close(self, exchange: Exchange) -> None:
        self.closing = True
        for waiting in self._line:
            waiting.client_gone()
        self._line.clear()
        if exchange.body_complete or self.transport.is_closing():
            self.transport.close()
            return
        self._lingering = LINGER_BYTES
        self.deadline = self.door.clock() + LINGER_SECONDS
        if self._encrypted:
            self.transport.close()
            return
        self.release_reading()
        self.transport.write_eof()

    def close_when_idle(self) -> None:
        """Drain: close now when nothing is under way, else after the exchange that is."""
        self.closing = True
        if not self._line and self._tunnel is None and self._lingering < 0:
            self.transport.close()

    def body_moved(self) -> None:
        """The buffered body went on to the origin: read on."""
        if self._held and not self._backlog():
            self.release_reading()

    def hold_reading(self) -> None:
        """Stop reading from the client."""
        if not self._held and not self.transport.is_closing():
            self._held = True
            self.transport.pause_reading()
            self.deadline = math.inf

    def release_reading(self) -> None:
        """Read from the client again."""
        if self._held and not self.transport.is_closing():
            self._held = False
            self.transport.resume_reading()
            if self._parsing is not None:
                self.deadline = self.door.clock() + self.door.terms.body_idle

    # -- tunnel and time ----------------------------------------------------------------------------------------------

    def enter_tunnel(self, tunnel: Tunnel, rest: bytes) -> None:
        """From here on bytes pass unread."""
        self._tunnel = tunnel
        tunnel.start(rest)
        self.release_reading()

    def leave_tunnel(self) -> None:
        """The other side ended: close when all is sent."""
        self._tunnel = None
        self.closing = True
        self.transport.close()

    def extend_deadline(self, seconds: float) -> None:
        """Allow ``seconds`` of silence from now."""
        if not self._write_held:
            self.deadline = self.door.clock() + seconds

    def expire(self) -> None:
        """The deadline passed: a slow head or body is told so where it can be, all else is closed."""
        self.door.tallies.count("timeouts")
        waiting = self._line[0] if self._line else None
        if waiting is not None and not waiting.body_complete and not self._write_held and self._lingering < 0:
            self._parsing = None
            self._deaf = True
            waiting.break_body(408, "the request body did not come in time")
        else:
            self.abort()


def sum_of(fields: list[Field]) -> int:
    """Return the bytes of all header lines."""
    return sum([len(name) + len(value) for _, name, value in fields])


def peer_of(transport: asyncio.BaseTransport, *, secure: bool) -> Peer:
    """Return both ends of ``transport``; a unix socket's peer is this machine."""
    source = transport.get_extra_info("peername")
    destination = transport.get_extra_info("sockname")
    if not isinstance(source, tuple) or not isinstance(destination, tuple):
        return Peer("127.0.0.1")
    tls = transport.get_extra_info("ssl_object")
    version = (tls.version() or "") if secure and tls is not None else ""
    address = str(parse_address(source[0]) or source[0])
    return Peer(address, source[1], str(parse_address(destination[0]) or destination[0]), destination[1], version)
