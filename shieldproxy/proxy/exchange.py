"""One exchange: a request from its head to its record, whatever happens in between.

Life: made when a head is read -> ``start`` judges it -> our own answer, or on to the origin (see forwarding) ->
``finish`` settles it exactly once. The client side feeds the request body in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shieldproxy.core.facts import Malformed, Request
from shieldproxy.core.verdict import Side
from shieldproxy.guard.decisions import Decision, Outcome
from shieldproxy.proxy.request_heads import CHUNKED, RequestHead

if TYPE_CHECKING:
    from shieldproxy.core.errors import ExchangeError
    from shieldproxy.guard.forwarders import Caller
    from shieldproxy.guard.replies import Reply
    from shieldproxy.guard.visits import Visit
    from shieldproxy.proxy.client_side import ClientConnection
    from shieldproxy.proxy.origin_side import OriginConnection

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# nginx's number for a client that went away; only records carry it.
CLIENT_GONE = 499
# By a name of this module: to ask an enumeration for a member costs five times as much (Python 3.11).
NOBODY = Side.NONE


class Exchange:
    """One request and its answer. ``head`` is None when the message was malformed."""

    __slots__ = (
        "_body",
        "_waits",
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
        "started_at",
        "status",
        "visit",
    )

    def __init__(
        self, client: ClientConnection, whose: tuple[Visit, Caller], request: Request, head: RequestHead | Malformed
    ) -> None:
        self.client = client
        self.visit, self.caller = whose
        self.request = request
        self.started_at = client.door.clock()
        self.decision: Decision | None = None
        self.origin: OriginConnection | None = None
        self.status = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.buffered = 0
        self.responding = False
        self.done = False
        self._body: list[bytes] = []
        self._waits = False
        if isinstance(head, Malformed):
            self.malformed: Malformed | None = head
            self.head: RequestHead | None = None
            # What follows a malformed head has no boundary: it counts as a body that never ends.
            self.body_complete = False
            self.close_after = True
        else:
            self.malformed = None
            self.head = head
            self.body_complete = head.length == 0
            self.close_after = not head.keep_alive

    # -- the request --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Judge the request and answer it, send it on, or wait for its body first."""
        guard, caller = self.client.door.guard, self.caller
        if self.malformed is not None:
            decision = guard.decide_malformed(caller.peer, self.visit, self.request, self.malformed)
        else:
            decision = guard.decide(caller.peer, self.visit, self.request)
        self.decision = decision
        if decision.admitted and self.body_complete and not decision.own:
            self.forward()
            return
        reply = guard.reply(decision)
        if reply is not None and reply.status == 0 and self.client.identity.speaks_for_others:
            # To hang up would hit the forwarder, which took us for broken and kept others away too.
            reply = guard.refusal(decision)
        if reply is not None:
            self.respond(reply, Side.CLIENT if self.malformed else NOBODY)
        elif self._ready():
            self._serve()
        else:
            self._waits = True
            if self.head is not None and self.head.expects_continue and not self.buffered:
                self.client.write(CONTINUE)

    def _ready(self) -> bool:
        """Tell whether enough of the request is here to go on with it.

        A body that fits the buffer is awaited whole, and a longer one until it begins: so a client that sends slowly
        holds a connection to us, not one of the few to the origin.
        """
        if self.body_complete or self.decision is None or self.head is None:
            return True
        terms = self.client.door.terms
        if self.decision.own:
            return self.buffered > terms.max_own_body
        return self.buffered > 0 and (self.head.length == CHUNKED or self.head.length > terms.buffer)

    def _serve(self) -> None:
        assert self.decision is not None
        door = self.client.door
        if not self.decision.own:
            self.forward()
        elif not self.body_complete:
            self.refuse(413, "the answer is longer than any of ours", Side.CLIENT)
        else:
            answer = door.guard.serve_own(self.decision, b"".join(self._body), secure=self.caller.secure)
            self.respond(answer.reply, NOBODY, answer.challenge)

    def forward(self) -> None:
        """Go to the origin."""
        raise NotImplementedError

    def take_body(self, data: bytes) -> None:
        """Take a piece of the request body: to the origin when there is one, else into the bounded buffer."""
        self.bytes_in += len(data)
        if self.done or (self.responding and self.origin is None):
            return
        if self.origin is not None:
            self.origin.write(self._frame(data))
            return
        self._body.append(data)
        self.buffered += len(data)
        self._go_on()

    def end_body(self) -> None:
        """The request body is complete."""
        if self.done:
            return
        self.body_complete = True
        if self.origin is not None:
            if self.head is not None and self.head.length == CHUNKED:
                self.origin.write(b"0\r\n\r\n")
            self.origin.await_response()
        else:
            self._go_on()

    def _go_on(self) -> None:
        if self._waits and self._ready():
            self._waits = False
            self._serve()

    def _frame(self, data: bytes) -> bytes:
        if self.head is not None and self.head.length == CHUNKED:
            return b"%x\r\n%b\r\n" % (len(data), data)
        return data

    # -- our own answers ----------------------------------------------------------------------------------------------

    def respond(self, reply: Reply, side: Side = NOBODY, challenge: str = "") -> None:
        """Send our own answer and end the exchange."""
        client = self.client
        self.status = reply.status
        self.responding = True
        if reply.status == 0:
            client.abort()
            self.finish(side, challenge)
            return
        if reply.close or not self.body_complete or client.closing or client.impatient:
            self.close_after = True
        bodiless = self.head is not None and self.head.method == b"HEAD"
        data = client.door.serialise(reply, close=self.close_after, bodiless=bodiless)
        self.bytes_out = len(data)
        client.write(data)
        self.finish(side, challenge)
        if reply.status == 429 and self.decision is not None and not self.close_after:
            client.may_repeat(self.decision, Outcome(429, 0, len(data)), data)

    def refuse(self, status: int, private: str, side: Side) -> None:
        """Answer a request that was admitted and cannot be served, or cut the answer that has already begun."""
        if self.decision is None or self.done:
            return
        door = self.client.door
        door.note_failure(status, private, side)
        if self.responding:
            # The head is gone: only a broken transfer tells the client that the body is not whole.
            self.close_after = True
            self.cut()
            self.finish(side)
            return
        self.respond(door.guard.failure(self.decision, status), side)

    def fail(self, error: ExchangeError) -> None:
        """It cannot be served: the error says whose fault it is."""
        self.refuse(error.status, error.private, error.side)

    def cut(self) -> None:
        """Make sure that the client does not take what it has for the whole."""
        self.client.abort()

    # -- the end ------------------------------------------------------------------------------------------------------

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
