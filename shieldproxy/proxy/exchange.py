"""One exchange: a request from its head to its record, whatever happens in between.

Life: made when a head is read -> ``start`` judges it -> our own answer, or forwarded to the origin -> ``finish``
settles it exactly once. The client side feeds the request body in, the origin side the response.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shieldproxy.core.errors import ExchangeError
from shieldproxy.core.facts import Malformed, Request
from shieldproxy.core.verdict import Side
from shieldproxy.guard.decisions import Decision, Outcome
from shieldproxy.proxy.heads import (
    CHUNKED,
    REPEATABLE,
    Field,
    RequestHead,
    response_framing,
    write_interim_head,
    write_request_head,
    write_response_head,
)
from shieldproxy.proxy.tunnel import Tunnel

if TYPE_CHECKING:
    from shieldproxy.guard.forwarders import Caller
    from shieldproxy.guard.replies import Reply
    from shieldproxy.guard.visits import Visit
    from shieldproxy.proxy.client_side import ClientConnection
    from shieldproxy.proxy.origin_side import OriginConnection

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# We say these ourselves in a 101; Upgrade itself passes, because the client asked for it by name.
CONNECTION_FIELDS = frozenset((b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"trailer"))
# nginx's number for a client that went away; only records carry it.
CLIENT_GONE = 499


class Exchange:
    """One request and its answer. ``head`` is None when the message was malformed."""

    __slots__ = (
        "_body",
        "_chunked_out",
        "_pending",
        "_retries",
        "body_complete",
        "buffered",
        "bytes_in",
        "bytes_out",
        "caller",
        "client",
        "close_after",
        "decision",
        "done",
        "head",
        "malformed",
        "origin",
        "request",
        "responding",
        "response_complete",
        "started_at",
        "status",
        "visit",
    )

    def __init__(
        self,
        client: ClientConnection,
        whose: tuple[Visit, Caller],
        request: Request,
        head: RequestHead | None,
        malformed: Malformed | None = None,
    ) -> None:
        self.client = client
        self.visit, self.caller = whose
        self.request = request
        self.head = head
        self.malformed = malformed
        self.started_at = client.door.clock()
        self.decision: Decision | None = None
        self.origin: OriginConnection | None = None
        self.status = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.buffered = 0
        # What follows a malformed head has no boundary: it counts as a body that never ends.
        self.body_complete = head is not None and head.length == 0
        self.response_complete = False
        self.responding = False
        self.done = False
        self.close_after = head is None or not head.keep_alive
        self._body: list[bytes] = []
        self._pending = b""
        self._chunked_out = False
        self._retries = 1

    # -- the request, from the client side ---------------------------------------------------------------------

    def start(self) -> None:
        """Judge the request and answer or forward it."""
        guard, peer = self.client.door.guard, self.caller.peer
        if self.malformed is not None:
            self.decision = guard.decide_malformed(peer, self.visit, self.request, self.malformed)
        else:
            self.decision = guard.decide(peer, self.visit, self.request, secure=self.caller.secure)
        reply = guard.reply(self.decision)
        if reply is not None:
            self.respond(reply, Side.CLIENT if self.malformed else Side.NONE)
        elif not self.decision.own:
            self.client.door.admit(self)
        elif self.body_complete:
            self._serve_own()

    def take_body(self, chunk: bytes) -> None:
        """Take a piece of the request body: to the origin when there is one, else into the bounded buffer."""
        self.bytes_in += len(chunk)
        if self.done or (self.responding and self.origin is None):
            return
        if self.origin is not None:
            self.origin.write(self._frame(chunk))
            return
        self._body.append(chunk)
        self.buffered += len(chunk)
        if self.decision is not None and self.decision.own and self.buffered > self.client.door.terms.max_own_body:
            self._refuse(413, "the answer is longer than any of ours", Side.CLIENT)

    def end_body(self) -> None:
        """The request body is complete."""
        if self.body_complete or self.done:
            return
        self.body_complete = True
        if self.origin is not None:
            if self.head is not None and self.head.length == CHUNKED:
                self.origin.write(b"0\r\n\r\n")
            self.origin.await_response()
            if self.response_complete:
                self._finish_forwarded()
        elif self.decision is not None and self.decision.own and not self.responding:
            self._serve_own()

    def _frame(self, chunk: bytes) -> bytes:
        if self.head is not None and self.head.length == CHUNKED:
            return b"%x\r\n%b\r\n" % (len(chunk), chunk)
        return chunk

    # -- our own answers ------------------------------------------------------------------------------------------

    def respond(self, reply: Reply, side: Side = Side.NONE, challenge: str = "") -> None:
        """Send our own answer and end the exchange."""
        self.status = reply.status
        self.responding = True
        if reply.status == 0:
            self.finish(side, challenge)
            self.client.abort()
            return
        if reply.close or not self.body_complete:
            self.close_after = True
        bodiless = self.head is not None and self.head.method == b"HEAD"
        data = self.client.door.serialise(reply, close=self.close_after, bodiless=bodiless)
        self.bytes_out = len(data)
        self.client.write(data)
        self.finish(side, challenge)

    def _serve_own(self) -> None:
        if self.decision is None:
            return
        answer = self.client.door.guard.serve_own(self.decision, b"".join(self._body), secure=self.caller.secure)
        self.respond(answer.reply, Side.NONE, answer.challenge)

    def _refuse(self, status: int, private: str, side: Side) -> None:
        """Answer a request that was admitted and cannot be served, or cut the answer that has already begun."""
        if self.decision is None or self.done:
            return
        self.client.door.note_failure(status, private, side)
        if self.responding:
            # The head is gone: only a broken transfer tells the client that the body is not whole.
            self.finish(side)
            self.client.abort()
            return
        self.respond(self.client.door.guard.failure(self.decision, status), side)

    # -- the origin -----------------------------------------------------------------------------------------------

    def attach(self, origin: OriginConnection) -> None:
        """Send the request over ``origin``: the head, and what of the body has come so far."""
        if self.done or self.head is None or self.decision is None:
            origin.release()
            return
        self.origin = origin
        origin.exchange = self
        client = self.client
        parts = [write_request_head(self.head, client.forwarded_lines(self), self.decision.id.encode())]
        parts.extend(self._frame(chunk) for chunk in self._body)
        self.buffered = 0
        if self.body_complete:
            if self.head.length == CHUNKED:
                parts.append(b"0\r\n\r\n")
        elif self.head.expects_continue and not self._body:
            client.write(CONTINUE)
        if self.head.method not in REPEATABLE:
            self._body = []
        origin.write(b"".join(parts))
        if self.body_complete:
            origin.await_response()
        client.body_moved()

    def break_body(self, status: int, private: str) -> None:
        """The request body broke off, or did not come in time: the client's doing."""
        self._refuse(status, private, Side.CLIENT)

    def fail(self, error: ExchangeError) -> None:
        """No connection to the origin, or none in time."""
        self._refuse(error.status, error.private, error.side)

    def lost_origin(self, origin: OriginConnection, why: str, status: int) -> None:
        """The origin's connection ended before the response did."""
        self.origin = None
        head = self.head
        if (
            not self.responding
            and origin.reused
            and not origin.spoken
            and self._retries
            and head is not None
            and head.method in REPEATABLE
            and head.length == 0
        ):
            self._retries -= 1
            self.client.door.pool.connect_for(self)
            return
        self._refuse(status, why, Side.ORIGIN)

    def take_interim(self, status: int, reason: bytes, fields: list[Field]) -> None:
        """Pass a 1xx on to a client that understands it (HTTP/1.1); 100 was answered by us already."""
        if self.head is not None and self.head.version == "1.1" and status != 100:
            self.client.write(write_interim_head(status, reason, fields))

    def take_head(self, status: int, reason: bytes, fields: list[Field], *, keep_alive: bool) -> int:
        """Write the response head and return its body framing. Raises ValueError when the framing is ambiguous."""
        assert self.head is not None
        assert self.decision is not None
        framed = response_framing(status, self.head.method, fields, keep_alive=keep_alive)
        self._chunked_out = framed.length < 0 and self.head.version == "1.1"
        if framed.length < 0 and not self._chunked_out:
            self.close_after = True
        if not self.body_complete:
            self.close_after = True
        bodiless = self.head.method == b"HEAD" or status == 304
        if framed.length > 0 or (framed.length == 0 and not bodiless and status != 204):
            framing_line = b"Content-Length: %d\r\n" % framed.length
        else:
            framing_line = b"Transfer-Encoding: chunked\r\n" if self._chunked_out else b""
        self.status = status
        self.responding = True
        self._pending = write_response_head(
            status,
            reason,
            fields,
            framing_line=framing_line,
            connection_line=self._connection_line(),
            request_id=self.decision.id.encode(),
            bodiless=bodiless,
        )
        return framed.length

    def _connection_line(self) -> bytes:
        if self.close_after or self.client.closing:
            self.close_after = True
            return b"Connection: close\r\n"
        if self.head is not None and self.head.version == "1.0":
            return b"Connection: keep-alive\r\n"
        return b""

    def take_data(self, chunk: bytes) -> None:
        """Pass a piece of the response body on, together with a head that still waits."""
        if self._chunked_out:
            chunk = b"%x\r\n%b\r\n" % (len(chunk), chunk)
        if self._pending:
            chunk, self._pending = self._pending + chunk, b""
        self.bytes_out += len(chunk)
        self.client.write(chunk)

    def flush(self) -> None:
        """Write a head that waits for a body which has not come yet."""
        if self._pending:
            pending, self._pending = self._pending, b""
            self.bytes_out += len(pending)
            self.client.write(pending)

    def end_response(self) -> None:
        """The response is whole."""
        if self._chunked_out:
            self._pending += b"0\r\n\r\n"
        self.flush()
        self.response_complete = True
        if self.body_complete:
            self._finish_forwarded()
        else:
            # An answer before the request was read to its end: the rest of it is not wanted (RFC 9112, 9.3).
            origin, self.origin = self.origin, None
            if origin is not None:
                origin.exchange = None
                origin.abort()
            self.finish(Side.NONE)

    def _finish_forwarded(self) -> None:
        origin, self.origin = self.origin, None
        if origin is not None:
            origin.exchange = None
            origin.release()
        self.finish(Side.NONE)

    # -- the end --------------------------------------------------------------------------------------------------

    def client_gone(self) -> None:
        """The client's connection ended: nothing more can be said to it."""
        if self.done:
            return
        if self.decision is None:
            self.done = True
            return
        self.status = self.status if self.responding else CLIENT_GONE
        self.finish(Side.CLIENT)

    def finish(self, side: Side, challenge: str = "") -> None:
        """Settle the exchange once, let go of the origin, and tell the client side that the next may start."""
        if self.done or self.decision is None:
            return
        self.done = True
        self._body = []
        origin, self.origin = self.origin, None
        if origin is not None:
            origin.exchange = None
            origin.abort()
        door = self.client.door
        elapsed = int((door.clock() - self.started_at) * 1e6)
        door.guard.settle(self.decision, Outcome(self.status, self.bytes_in, self.bytes_out, elapsed, side, challenge))
        self.client.exchange_done(self)

    def switch(self, origin: OriginConnection, reason: bytes, fields: list[Field], rest: bytes) -> None:
        """101: join client and origin; what the exchange moved from here on is counted by the tunnel."""
        assert self.head is not None
        self.status = 101
        self.responding = True
        self.origin = None
        client = self.client
        client.write(
            b"HTTP/1.1 101 %b\r\nConnection: Upgrade\r\n%b\r\n"
            % (reason, b"".join(b"%b: %b\r\n" % (n, v) for low, n, v in fields if low not in CONNECTION_FIELDS))
        )
        self.close_after = True
        client.enter_tunnel(Tunnel(self, client, origin), rest)
