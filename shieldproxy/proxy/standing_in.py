"""Standing in: an exchange that keeps a copy of what everybody may see, and shows one when the origin fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shieldproxy.core.facts import Malformed, Request
from shieldproxy.core.verdict import Side
from shieldproxy.proxy.forwarding import ForwardedExchange
from shieldproxy.proxy.keepable import is_ordinary, kept_for, key_of
from shieldproxy.proxy.request_heads import CHUNKED, RequestHead
from shieldproxy.proxy.response_heads import write_response_head

if TYPE_CHECKING:
    from shieldproxy.guard.forwarders import Caller
    from shieldproxy.guard.visits import Visit
    from shieldproxy.proxy.client_side import ClientConnection
    from shieldproxy.proxy.copies import Copies
    from shieldproxy.proxy.fields import Field

# What says that the origin, or the way to it, is in trouble (RFC 5861, 4), but 500: a page that fails may fail for
# this one visitor alone.
FAILED = frozenset((502, 503, 504))


class StandInExchange(ForwardedExchange):
    """An exchange of a door that keeps ``copies``."""

    __slots__ = ("_copies", "_copy_head", "_name", "_parts", "_room")

    def __init__(
        self,
        client: ClientConnection,
        whose: tuple[Visit, Caller],
        request: Request,
        head: RequestHead | Malformed,
        copies: Copies,
    ) -> None:
        super().__init__(client, whose, request, head)
        self._copies = copies
        self._name = key_of(self.head, secure=self.caller.secure) if self.head is not None else None
        self._copy_head: tuple[bytes, list[Field], tuple[float, float]] | None = None
        self._parts: list[bytes] = []
        self._room = copies.largest

    # -- keeping ------------------------------------------------------------------------------------------------------

    @property
    def took_plain(self) -> bool:
        """As before; an answer of which a copy is wanted is read in full."""
        return super().took_plain and not self._wanted

    @property
    def _wanted(self) -> bool:
        return self._name is not None and self._copies.wants(self._name)

    def take_head(self, status: int, reason: bytes, fields: list[Field]) -> int:
        """Pass the head on and begin a copy where one is wanted; show a copy instead when it says the origin fails."""
        if status in FAILED and self._stand_in(status, f"the origin answered {status}"):
            return 0
        length = super().take_head(status, reason, fields)
        head = self.head
        # A body that only the end of the connection ends may have been cut.
        if head is not None and (length >= 0 or length == CHUNKED) and self._wanted and is_ordinary(head):
            times = kept_for(status, fields, self._copies.seconds)
            if times is not None and length <= self._room:
                self._copy_head = reason, fields, times
        return length

    def take_data(self, data: bytes) -> None:
        """Pass a piece of the body on, and copy it."""
        if self._copy_head is not None:
            self._room -= len(data)
            if self._room < 0:
                self._copy_head, self._parts = None, []
            else:
                self._parts.append(data)
        super().take_data(data)

    def end_response(self) -> None:
        """The answer is whole, and so is the copy."""
        if self._copy_head is not None and self._name is not None and not self.done:
            self._copies.keep(
                self._name, self._copy_head[0], self._copy_head[1], b"".join(self._parts), self._copy_head[2]
            )
        self._copy_head, self._parts = None, []
        super().end_response()

    # -- showing ------------------------------------------------------------------------------------------------------

    def shows_copy(self) -> bool:
        """Tell whether a copy of the page is kept and not too old."""
        return self._name is not None and self._copies.find(self._name) is not None

    def refuse(self, status: int, private: str, side: Side) -> None:
        """Show a copy where it is the origin, or the way to it, that fails; else say so as before."""
        if status not in FAILED or side is Side.CLIENT or not self._stand_in(status, private):
            super().refuse(status, private, side)

    def _stand_in(self, status: int, private: str) -> bool:
        """Answer with the copy of the page; False when there is none, or it is too late."""
        head, decision, client = self.head, self.decision, self.client
        copy = self._copies.find(self._name) if self._name is not None else None
        if copy is None or head is None or decision is None or self.responding or self.done:
            return False
        door = client.door
        door.note_failure(status, f"{private}; a copy was shown", Side.ORIGIN)
        door.tallies.count("stale_served")
        age = self._copies.age(copy)
        verdict = decision.verdict
        told = f"served stale: a copy {age} s old, the origin failed ({status})"
        self.decision = decision._replace(verdict=verdict._replace(reasons=(*verdict.reasons, told)))
        if not self.body_complete or client.closing or client.impatient:
            self.close_after = True
        self.status = 200
        self.responding = True
        written = write_response_head(
            200,
            copy.reason,
            [*copy.fields, *marks(age)],
            framing_line=b"Content-Length: %d\r\n" % len(copy.body),
            connection_line=self._connection_line(head),
            request_id=decision.id.encode(),
            bodiless=False,
        )
        self.bytes_out = len(written) + len(copy.body)
        client.write(written)
        if copy.body:
            client.write(copy.body)  # by itself: however many read it slowly, it is in memory once
        self.finish(Side.ORIGIN)
        return True


def marks(age: int) -> list[Field]:
    """Return the fields that say what is shown: how old it is, and that it is a copy and why (RFC 9211)."""
    return [
        (b"age", b"Age", b"%d" % age),
        (b"cache-status", b"Cache-Status", b"shieldproxy; hit; detail=stale-if-error"),
    ]
