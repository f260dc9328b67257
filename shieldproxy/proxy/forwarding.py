"""Forwarding: an exchange that is admitted goes to the origin, and the origin's answer comes back.

The answer's head is written anew; its body is framed as the client needs it: by its length, or in chunks, or until the
connection ends for HTTP/1.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shieldproxy.core.facts import Malformed, Request
from shieldproxy.core.verdict import Side
from shieldproxy.proxy.exchange import NOBODY, Exchange
from shieldproxy.proxy.request_heads import CHUNKED, REPEATABLE, RequestHead, write_request_head
from shieldproxy.proxy.response_heads import response_length, write_interim_head, write_response_head, write_switch
from shieldproxy.proxy.tunnel import Tunnel

if TYPE_CHECKING:
    from shieldproxy.core.errors import ExchangeError
    from shieldproxy.guard.forwarders import Caller
    from shieldproxy.guard.visits import Visit
    from shieldproxy.proxy.client_side import ClientConnection
    from shieldproxy.proxy.fields import Field
    from shieldproxy.proxy.known_answers import KnownAnswer
    from shieldproxy.proxy.origin_side import OriginConnection


class ForwardedExchange(Exchange):
    """An exchange with its way to the origin and back; every one may become admitted."""

    __slots__ = ("_chunked_out", "_pending", "_retries", "_until_close", "response_complete")

    def __init__(
        self, client: ClientConnection, whose: tuple[Visit, Caller], request: Request, head: RequestHead | Malformed
    ) -> None:
        super().__init__(client, whose, request, head)
        self.response_complete = False
        self._pending = b""
        self._chunked_out = False
        self._until_close = False
        self._retries = 1

    # -- there --------------------------------------------------------------------------------------------------------

    def forward(self) -> None:
        """Ask the door for a connection to the origin; ``attach`` is called when there is one."""
        self.client.door.admit(self)

    def fail(self, error: ExchangeError) -> None:
        """It cannot be served: people who find the site full get a place in line, where no copy can be shown."""
        if error.public == "busy" and not self.shows_copy():
            body = b"".join(self._body) if self.body_complete else b""
            if self.client.door.passage.full(self, body):
                return
        super().fail(error)

    def shows_copy(self) -> bool:
        """Tell whether there is a copy of the page to be shown instead."""
        return False

    def gave_up(self) -> bool:
        """Tell whether nobody waits in a line for the origin any more; who closed its side meanwhile is told so."""
        if not self.done and self.client.half_closed:
            self.refuse(503, "the client closed its side while it waited for the origin", Side.CLIENT)
        return self.done

    def attach(self, origin: OriginConnection) -> None:
        """Send the request over ``origin``: the head, and what of the body has come so far."""
        head, client = self.head, self.client
        if self.done or head is None or self.decision is None:
            origin.release()
            return
        self.origin = origin
        origin.exchange = self
        lines = client.identity.lines(self.visit.visitor.address, self.request.host, secure=self.caller.secure)
        written = write_request_head(head, lines, self.decision.id.encode(), client.door.terms.nameless)
        if self._body:
            body, self._body, self.buffered = b"".join(self._body), [], 0
            written += self._frame(body)
        if self.body_complete and head.length == CHUNKED:
            written += b"0\r\n\r\n"
        origin.write(written)
        if self.body_complete:
            origin.await_response()
        else:
            client.go_on()

    def lost_origin(self, origin: OriginConnection, why: str, status: int) -> None:
        """The origin's connection ended before the response did."""
        self.origin = None
        if self._repeatable and origin.reused and not origin.spoken:
            self._retries -= 1
            self.client.door.pool.connect_for(self)
            return
        self.refuse(status, why, Side.ORIGIN)

    @property
    def _repeatable(self) -> bool:
        head = self.head
        return (
            head is not None
            and head.method in REPEATABLE
            and head.length == 0
            and not self.responding
            and self._retries > 0
        )

    # -- back ---------------------------------------------------------------------------------------------------------

    def take_interim(self, status: int, reason: bytes, fields: list[Field]) -> None:
        """Pass a 1xx on to a client that understands it (HTTP/1.1); 100 was answered by us already."""
        if self.head is not None and self.head.version == "1.1" and status != 100:
            self.client.write(write_interim_head(status, reason, fields))

    def take_head(self, status: int, reason: bytes, fields: list[Field]) -> int:
        """Write the response head and return its body framing. Raises ValueError when the framing is ambiguous."""
        head, decision, client = self.head, self.decision, self.client
        assert head is not None
        assert decision is not None
        length = response_length(status, head.method, fields)
        if self.origin is not None:
            client.door.tallies.count_origin(int((client.door.clock() - self.origin.asked_at) * 1e6))
        self._chunked_out = length < 0 and head.version == "1.1"
        self._until_close = length < 0 and head.version == "1.0"
        if self._until_close or not self.body_complete or client.closing or client.impatient:
            self.close_after = True
        bodiless = head.method == b"HEAD" or status == 304
        if length > 0 or (length == 0 and not bodiless and status != 204):
            framing_line = b"Content-Length: %d\r\n" % length
        else:
            framing_line = b"Transfer-Encoding: chunked\r\n" if self._chunked_out else b""
        self.status = status
        self.responding = True
        self._pending = write_response_head(
            status,
            reason,
            fields,
            framing_line=framing_line,
            connection_line=self._connection_line(head),
            request_id=decision.id.encode(),
            bodiless=bodiless,
        )
        return length

    @property
    def took_plain(self) -> bool:
        """Whether the answer was one that any other GET of HTTP/1.1 would have been given in the same words."""
        head = self.head
        return head is not None and head.method == b"GET" and head.version == "1.1" and not self.close_after

    def take_known(self, known: KnownAnswer, body: bytes) -> bool:
        """Pass on a whole answer whose head is known; False when this exchange needs other words."""
        client, decision, origin = self.client, self.decision, self.origin
        if not self.took_plain or not self.body_complete or client.closing or client.impatient:
            return False
        assert decision is not None
        assert origin is not None
        client.door.tallies.count_origin(int((client.door.clock() - origin.asked_at) * 1e6))
        self.status = known.status
        self.responding = True
        self.response_complete = True
        data = b"%b%b\r\n\r\n%b" % (known.before, decision.id.encode(), body)
        self.bytes_out += len(data)
        self.origin = None
        client.write(data)
        return True

    def _connection_line(self, head: RequestHead) -> bytes:
        if self.close_after:
            return b"Connection: close\r\n"
        return b"Connection: keep-alive\r\n" if head.version == "1.0" else b""

    def take_data(self, data: bytes) -> None:
        """Pass a piece of the response body on, together with a head that still waits."""
        if self._chunked_out:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        if self._pending:
            data, self._pending = self._pending + data, b""
        self.bytes_out += len(data)
        self.client.write(data)

    def flush(self) -> None:
        """Write a head that waits for a body which has not come yet."""
        if self._pending:
            pending, self._pending = self._pending, b""
            self.bytes_out += len(pending)
            self.client.write(pending)

    def end_response(self) -> None:
        """The response is whole. If the request was not read to its end yet, it ends too (RFC 9112, 9.3)."""
        if self._chunked_out:
            self._pending += b"0\r\n\r\n"
        self.flush()
        self.response_complete = True
        if self.body_complete:
            origin, self.origin = self.origin, None
            if origin is not None:
                origin.exchange = None
                origin.release()
        self.finish(NOBODY)

    def cut(self) -> None:
        """Close without the last chunk, or short of the length; where only the end ends the body, reset."""
        if self._until_close:
            self.client.abort()
        else:
            self.flush()

    def switch(self, origin: OriginConnection, reason: bytes, fields: list[Field], rest: bytes) -> None:
        """101: join client and origin; what the exchange moved from here on is counted by the tunnel."""
        assert self.decision is not None
        self.status = 101
        self.responding = True
        self.close_after = True
        self.origin = None
        self.client.write(write_switch(reason, fields, self.decision.id.encode()))
        self.client.enter_tunnel(Tunnel(self, self.client, origin), rest)
