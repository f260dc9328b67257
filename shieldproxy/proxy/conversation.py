"""A conversation: the requests of one connection, read and answered one after the other.

Pipelined requests wait as bytes until the one before them is answered, and while the client does not take what we
sent, nothing more is answered. So a connection holds one read (256 KiB) and one request, whatever it sends.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from shieldproxy.core.errors import ExchangeError
from shieldproxy.core.facts import Malformed, Request
from shieldproxy.core.verdict import Side
from shieldproxy.proxy.forwarding import ForwardedExchange
from shieldproxy.proxy.identity import Identity
from shieldproxy.proxy.patience import BODY, FRESH, HEAD, IDLE, OURSELVES, TUNNEL, Patience
from shieldproxy.proxy.request_reader import RequestReader
from shieldproxy.proxy.standing_in import StandInExchange

if TYPE_CHECKING:
    from shieldproxy.guard.forwarders import Caller
    from shieldproxy.guard.visits import Visit
    from shieldproxy.proxy.client_side import ClientConnection
    from shieldproxy.proxy.door import Door
    from shieldproxy.proxy.exchange import Exchange
    from shieldproxy.proxy.fields import Field
    from shieldproxy.proxy.request_heads import RequestHead

# Requests that wait unread behind one that is not answered yet. No browser pipelines; one read brings 256 KiB.
MAX_PIPELINED = 65_536
# After an answer to a request that was not read to its end, so much more is read and thrown away, for so many
# seconds: closing at once would reset the connection under the answer (RFC 9112, 9.6).
LINGER_BYTES = 262_144
LINGER_SECONDS = 2.0

# Close with a reset, whatever is unsent (SO_LINGER on, zero seconds): uvloop's abort alone is an orderly end.
RESET = struct.pack("ii", 1, 0)


class Conversation:
    """Requests and answers over one transport; how they come and go on it is the client side's.

    ``closing``: the exchange under way is the last; ``owed``: it has yet to begin.
    """

    __slots__ = (
        "_encrypted",
        "_ended",
        "_held",
        "_line",
        "_lingering",
        "_origin_full",
        "_parsing",
        "_running",
        "_unread",
        "_write_held",
        "closing",
        "door",
        "identity",
        "owed",
        "patience",
        "reader",
        "transport",
    )

    def __init__(self, door: Door, *, encrypted: bool) -> None:
        self.door = door
        self._encrypted = encrypted
        self.transport: asyncio.Transport = cast("asyncio.Transport", None)
        self.identity: Identity = cast("Identity", None)
        self.reader = RequestReader(self, door)
        self.patience = Patience(door.clock, door.terms)
        self.closing = False
        self.owed = False
        # One exchange, and those behind it that could not be told apart from it in one read.
        self._line: deque[ForwardedExchange] = deque()
        self._parsing: ForwardedExchange | None = None
        self._unread = b""
        self._ended = False
        self._running = False
        self._held = False
        self._write_held = False
        self._origin_full = False
        # Bytes that are still read and thrown away before the end; below zero: not at the end yet.
        self._lingering = -1

    # -- what was read ------------------------------------------------------------------------------------------------

    def take_message(self, request: Request, head: RequestHead | Malformed, fields: Sequence[Field]) -> None:
        if self.closing and not self._still_owed():
            self.reader.close()
            return
        terms = self.door.terms
        self.patience.begin(terms)
        exchange = self._exchange(request, head, self.identity.whose(fields, terms))
        self._line.append(exchange)
        if self.reader.in_body:
            self._parsing = exchange

    def _still_owed(self) -> bool:
        """Tell whether the door closes and this connection has one answer to get; it has none after that."""
        owed, self.owed = self.owed, False
        return owed

    def take_body(self, data: bytes) -> None:
        if self._parsing is not None:
            self.patience.hear(len(data), self.door.terms)
            self._parsing.take_body(data)

    def end_body(self) -> None:
        parsing, self._parsing = self._parsing, None
        if parsing is not None:
            parsing.end_body()

    def break_body(self, reason: str) -> None:
        self._break(400, reason)

    def _break(self, status: int, reason: str) -> None:
        """The body that is being read cannot be had."""
        broken, self._parsing = self._parsing, None
        if broken is None:
            return
        if broken.decision is None:
            # Nobody has judged it yet: it is a message that cannot be read, from its first byte on.
            self._line.remove(broken)
            self._line.append(self._exchange(broken.request, Malformed(status, reason), (broken.visit, broken.caller)))
        else:
            broken.fail(ExchangeError(status, "unreadable", reason, Side.CLIENT))

    def _exchange(
        self, request: Request, head: RequestHead | Malformed, whose: tuple[Visit, Caller]
    ) -> ForwardedExchange:
        # The one class that is a conversation; the other half of it is asyncio's.
        client, copies = cast("ClientConnection", self), self.door.copies
        if copies is not None:
            return StandInExchange(client, whose, request, head, copies)
        return ForwardedExchange(client, whose, request, head)

    # -- one after the other ------------------------------------------------------------------------------------------

    def _run(self) -> None:
        """Read what may be read and answer what may be answered, until something has to be waited for."""
        if self._running:
            return
        self._running = True
        try:
            while not self.transport.is_closing():
                line = self._line
                if self._unread and (self._parsing is not None or not line) and not self._full():
                    self._unread = self.reader.read(self._unread)
                elif line and line[0].decision is None and not self._write_held:
                    line[0].start()
                else:
                    break
        finally:
            self._running = False
        if self._lingering < 0 and self.patience.phase is not TUNNEL and not self.transport.is_closing():
            self._settle()

    def _full(self) -> bool:
        """Tell whether what would be read now has nowhere to go."""
        if self._write_held or self._origin_full or self.reader.upgrading:
            return True
        parsing, terms = self._parsing, self.door.terms
        if parsing is None or parsing.buffered <= terms.buffer:
            return False
        # What is ours to answer is awaited whole, however little is kept of what is not.
        own = parsing.decision is not None and parsing.decision.own
        return not own or parsing.buffered > terms.max_own_body

    def _settle(self) -> None:
        """Hold or release the client, and note what we wait for."""
        terms, line, reader = self.door.terms, self._line, self.reader
        if len(self._unread) > MAX_PIPELINED and line and self._parsing is None and not reader.upgrading:
            # Too much to keep for later: this client hears the answer it waits for, and may come again.
            reader.close()
            self._unread = b""
            line[-1].close_after = True
        if self._unread or (self._parsing is not None and self._full()):
            self.hold()
        else:
            self.release()
        if self._parsing is not None:
            self.patience.settle(OURSELVES if self._held else BODY, terms)
        elif line:
            self.patience.settle(OURSELVES, terms)
        elif self._ended:
            self._shut()
        elif reader.in_head:
            self.patience.settle(HEAD, terms)
        elif self.patience.phase is not FRESH:
            self.patience.settle(IDLE, terms)

    def exchange_done(self, exchange: Exchange) -> None:
        """The exchange in front has ended: close, or go on with the next."""
        if self._line and self._line[0] is exchange:
            self._line.popleft()
        self._origin_full = False
        if exchange.close_after or self.closing:
            self._leave(whole=exchange.body_complete)
            return
        self.reader.resume()
        if self._unread or self._line or self._parsing is not None or self._held or self._ended or self._running:
            self._run()
        elif not self.reader.in_head and not self.transport.is_closing():
            # Nothing is under way and nothing waits, as nearly always.
            self.patience.settle(IDLE, self.door.terms)

    @property
    def half_closed(self) -> bool:
        """Whether the client will send nothing more: it may be gone, or wait for its answers."""
        return self._ended

    @property
    def impatient(self) -> bool:
        """Whether bytes came behind a request for an upgrade before it was answered: nobody can place them."""
        return self.reader.upgrading and self._unread != b""

    def go_on(self) -> None:
        """The origin took what waited: read on."""
        self._run()

    def hold_body(self) -> None:
        """The origin does not keep up with the body."""
        self._origin_full = True
        self._run()

    def release_body(self) -> None:
        """The origin takes more."""
        self._origin_full = False
        self._run()

    def hold(self) -> None:
        """Read nothing more from the client."""
        if not self._held and not self.transport.is_closing():
            self._held = True
            self.transport.pause_reading()

    def release(self) -> None:
        """Read from the client again."""
        if self._held and not self.transport.is_closing():
            self._held = False
            self.transport.resume_reading()

    # -- leaving ------------------------------------------------------------------------------------------------------

    def _leave(self, *, whole: bool) -> None:
        """Close behind the last answer. ``whole``: the request was read to its end."""
        self.closing = True
        self._forget_line()
        if self.transport.is_closing():
            return
        if self._encrypted or (whole and not self._unread and not self._held):
            self._shut()
            return
        self._unread = b""
        self._lingering = LINGER_BYTES
        terms = self.door.terms
        self.patience.leave(terms.write if self.transport.get_write_buffer_size() else LINGER_SECONDS)
        self.release()
        self.transport.write_eof()

    def _shut(self) -> None:
        """Close when all is sent; a client that does not take it has as long as for any answer."""
        self.closing = True
        self.transport.close()
        self.patience.leave(self.door.terms.write)

    def _forget_line(self) -> None:
        waiting, self._parsing = list(self._line), None
        self._line.clear()
        for exchange in waiting:
            exchange.client_gone()

    def write(self, data: bytes) -> None:
        """Send ``data`` to the client."""
        self.transport.write(data)

    def abort(self) -> None:
        """Reset the connection, unsent bytes lost: nobody takes it for an orderly end, and the kernel keeps nothing."""
        self.closing = True
        if not self.transport.is_closing():
            ends = self.transport.get_extra_info("socket")
            with contextlib.suppress(OSError):
                ends.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.transport.abort()
