"""The client side: one connection from a client; its transport, its deadlines, and its end.

What is said on it is the conversation's.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from shieldproxy.core.addresses import parse_address
from shieldproxy.proxy.conversation import Conversation
from shieldproxy.proxy.identity import Identity, peer_of, tls_of
from shieldproxy.proxy.known_heads import REQUEST_LINE
from shieldproxy.proxy.patience import BODY, FRESH, HEAD, IDLE, LAST_CALL, LEAVING, TUNNEL, Patience
from shieldproxy.proxy.refusals import RefusalAgain
from shieldproxy.proxy.request_reader import HEAD_END

if TYPE_CHECKING:
    from shieldproxy.guard.decisions import Decision, Outcome
    from shieldproxy.proxy.arrival import Arrival
    from shieldproxy.proxy.door import Door
    from shieldproxy.proxy.tunnel import Tunnel

# What a client must take of an answer within ``write``: 1.6 KiB a second, which any telephone does.
STEP = 49_152


class ClientConnection(Conversation, asyncio.Protocol):
    """One connection from a client. ``arrival``: what it was before its TLS began; ``key``: whose it counts as."""

    __slots__ = ("_again", "_arrival", "_heard", "_tunnel", "key")

    def __init__(self, door: Door, arrival: Arrival | None = None) -> None:
        super().__init__(door, encrypted=arrival is not None)
        self.key = ""
        self._arrival = arrival
        self._again: RefusalAgain | None = None
        self._heard = b""
        self._tunnel: Tunnel | None = None

    # -- transport ----------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        door = self.door
        high = door.terms.buffer
        # The client has to take so much, whatever the buffer, before we count it as reading.
        self.transport.set_write_buffer_limits(high=high, low=max(high // 4, high - STEP))
        if self._arrival is not None:
            self._arrive(self._arrival)
            return
        peer = peer_of(transport)
        address = parse_address(peer.src_ip) or door.nowhere
        self.identity = Identity(door.guard, door.terms, peer, address, secure=False)
        if not door.enter(self):
            self.abort()
        elif self.identity.announced:
            self._meet()

    def _arrive(self, arrival: Arrival) -> None:
        """The handshake is done: who comes, and in which place, is known; the time for a head begins."""
        self._arrival = None
        self.identity = arrival.identity
        self.patience = Patience(self.door.clock, self.door.terms)
        if not arrival.hand_over(self, tls_of(self.transport)):
            self.abort()

    def _meet(self) -> None:
        """Let a banned client go before a byte of it is parsed, and one that has too many connections."""
        if self.identity.speaks_for_others:
            return
        visit = self.identity.meet()
        if self.door.guard.banned(visit) or not self.door.count_client(self, visit.visitor.client):
            self.door.refuse_connection()
            self.abort()

    def data_received(self, data: bytes) -> None:
        if self._tunnel is not None:
            self._tunnel.from_client(data)
        elif self._lingering >= 0:
            self._lingering = max(0, self._lingering - len(data))
            if not self._lingering:
                # No more of it: whoever still pours stands still, and may read the answer until the time is over.
                self.hold()
        elif self._again is not None and self._repeat(data):
            return
        elif self.identity.announced:
            self._heard = data
            self._unread = self._unread + data if self._unread else data
            self._run()
        else:
            self._announce(data)

    def may_repeat(self, decision: Decision, outcome: Outcome, answer: bytes) -> None:
        """Remember a refusal, when all that came was one head, so that the next is answered at once."""
        heard = self._heard
        line_end = heard.find(b"\r\n")
        if self._unread or self.identity.speaks_for_others or heard.find(HEAD_END) != len(heard) - 4:
            return
        if REQUEST_LINE.fullmatch(heard, 0, line_end) is None:
            return
        door = self.door
        known = door.guard.repeatable(decision, outcome)
        if known is not None:
            lines, most = heard[line_end:], door.terms.max_target
            self._again = RefusalAgain(door.guard, known, lines, answer, door.dated, most)

    def _repeat(self, data: bytes) -> bool:
        """Refuse ``data`` as the request before it was; False when it has to be read."""
        again, self._again = self._again, None
        if again is None or self._unread or self._line or self._write_held or self.closing:
            return False
        now = self.door.clock()
        answer = again.answer(data, self.door.dated, now)
        if answer is None:
            return False
        self._again = again
        self.patience.renew(now, self.door.terms)
        self.transport.write(answer)
        return True

    def _announce(self, data: bytes) -> None:
        try:
            rest = self.identity.announce(data)
        except ValueError as error:
            self.door.note_failure(400, str(error), None)
            self.abort()
            return
        if rest is None:
            return
        self._meet()
        if rest and not self.transport.is_closing():
            self.data_received(rest)

    def eof_received(self) -> bool:
        """Half-closed: the answers to requests that were sent whole still come (not possible under TLS)."""
        self._ended = True
        return bool(self._line) and not (self._parsing or self._encrypted or self._tunnel or self._lingering >= 0)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closing = True
        self.reader.close()
        self.door.leave_client(self)
        tunnel, self._tunnel = self._tunnel, None
        if tunnel is not None:
            tunnel.end()
        self._forget_line()

    def pause_writing(self) -> None:
        self._write_held = True
        self.patience.offer(self.door.terms)
        if self._tunnel is not None:
            self._tunnel.hold_origin()
        elif self._line and self._line[0].origin is not None:
            self._line[0].origin.hold_reading()

    def resume_writing(self) -> None:
        self._write_held = False
        self.patience.taken()
        if self._tunnel is not None:
            self._tunnel.release_origin()
            return
        if self._line and self._line[0].origin is not None:
            self._line[0].origin.release_reading()
        self._run()

    def close_when_idle(self) -> None:
        """Close now when nothing is under way, else after the exchange that is."""
        self.closing = True
        if not self._line and self._tunnel is None and self._lingering < 0:
            self._shut()

    def answer_once_more(self) -> None:
        """The door closes: what was begun is answered, who has not said anything yet has a moment for it."""
        phase = self.patience.phase
        if phase is not FRESH and phase is not HEAD:
            self.close_when_idle()
            return
        self.closing = self.owed = True
        self.patience.hurry(LAST_CALL)

    def expire(self) -> None:
        """The client let us wait too long: a slow body is told so where it can be, all else is closed."""
        patience, phase = self.patience, self.patience.phase
        if phase is not IDLE:
            self.door.tallies.count("timeouts")
        if phase is BODY and patience.write_deadline > patience.deadline and self._parsing is not None:
            self.reader.close()
            self._break(408, "the request body did not come in time")
            self._run()
        elif phase is LEAVING or patience.write_deadline <= patience.deadline:
            self.abort()
        else:
            self._shut()

    # -- tunnel -------------------------------------------------------------------------------------------------------

    def enter_tunnel(self, tunnel: Tunnel, rest: bytes) -> None:
        """From here on bytes pass unread; ``rest`` is what the origin sent behind its 101."""
        self._tunnel = tunnel
        self._line.clear()
        self.patience.settle(TUNNEL, self.door.terms)
        tunnel.start(rest)
        unread, self._unread = self._unread, b""
        if unread:
            tunnel.from_client(unread)
        self.release()

    def leave_tunnel(self) -> None:
        """The other side ended: close when all is sent."""
        self._tunnel = None
        if not self.transport.is_closing():
            self._shut()
