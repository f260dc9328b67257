"""Waiting: when even people are too many, each has a place in line, and is let in when it is their turn.

Who is let in at once has a pass for a while, so that the pages that follow come without another wait. What is no page
never waits here: the parts of a page belong to somebody who was let in, and programs are told to come later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson

from shieldproxy.core.clearance import bind
from shieldproxy.core.facts import Crawler, PageKind
from shieldproxy.core.line import SECOND, ahead, expected, pause
from shieldproxy.guard.answers import JSON, OwnAnswer, plain, redirect
from shieldproxy.guard.forms import read_form
from shieldproxy.guard.kept_forms import keepable, seal_form
from shieldproxy.guard.returns import safe_target, target_of
from shieldproxy.guard.tickets import LASTS, Ticket, seal_ticket, set_ticket, unseal_ticket
from shieldproxy.guard.waiting_pages import Standing, Waiting, WaitingPages

if TYPE_CHECKING:
    from shieldproxy.core.facts import Request, Visitor
    from shieldproxy.core.ports import Chance, WaitingLine, WallClock
    from shieldproxy.guard.appearance import Appearance
    from shieldproxy.guard.decisions import Decision
    from shieldproxy.guard.phrasebook import Phrasebook
    from shieldproxy.guard.replies import Reply
    from shieldproxy.state.keys import KeyRing

# What became of a request, as its record names it.
WAITING, LET_IN = "waiting", "let_in"
READING = frozenset(("GET", "HEAD"))
READY = b'{"ready":true}'


class SendOn(NamedTuple):
    """A form whose turn it is: where it goes, the form sealed, and the pass of who sends it, when they had a ticket."""

    target: str
    kept: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


class WaitingRoom:
    """One worker's part of the line. ``opened`` says whether anybody waits; it is looked at before every request.

    ``seconds`` is how long a pass holds.
    """

    def __init__(  # noqa: PLR0913 - one argument for each port
        self,
        line: WaitingLine,
        keys: KeyRing,
        *,
        appearance: Appearance,
        phrasebook: Phrasebook,
        own_path: str,
        seconds: float,
        clock: WallClock,
        chance: Chance,
    ) -> None:
        self.opened = False
        self._line = line
        self._phrasebook = phrasebook
        self._own_path = own_path.rstrip("/")
        self._clock = clock
        self._chance = chance
        self.adopt(keys, appearance, seconds)

    def adopt(self, keys: KeyRing, appearance: Appearance, seconds: float) -> None:
        """Sign with the first of ``keys`` from now on, accept all; a pass holds for ``seconds`` (0: nobody waits)."""
        self._keys = keys
        self._seconds = seconds
        self._pages = WaitingPages(appearance, self._phrasebook, self._own_path)

    def turn(self, room: int) -> None:
        """Once a second: say for how many more there is ``room``, and see whether anybody waits."""
        self._line.tell(room)
        self.opened = self._line.opened and self._seconds > 0.0

    # -- at the door --------------------------------------------------------------------------------------------------

    def hold(self, decision: Decision, *, secure: bool) -> tuple[Reply, str] | None:
        """Return what an admitted request is answered while people wait, and its name in the record; None: it goes on.

        Who sends a form was let in before, so it goes on.
        """
        visitor, request = decision.facts.visitor, decision.facts.request
        if not self._line.opened or not self._may_wait(decision) or request.method not in READING:
            return None
        now, binding = int(self._clock() * SECOND), self._binding(visitor, request)
        ticket = self._ticket_of(visitor, request) or self._join(now)
        if ticket.until:
            return None
        if ticket.arrived > self._line.front.moment:
            return self._show(decision, ticket, now, secure=secure), WAITING
        self._line.come()
        target = target_of(request)
        if target != written(request):
            return None  # a redirect would not lead back here
        token = self._pass(ticket, binding, now, secure=secure)
        return redirect(target, decision.id, token), LET_IN

    def full(self, decision: Decision, body: bytes, *, secure: bool) -> tuple[Reply, str] | None:
        """Return what an admitted request is answered that found the site full; None where no page would help.

        ``body`` is the form that it sends. Who was let in already, or waits, keeps the place they have.
        """
        request, visitor = decision.facts.request, decision.facts.visitor
        if self._seconds <= 0.0 or not self._may_wait(decision):
            return None
        now, target, kept = int(self._clock() * SECOND), target_of(request), ""
        if request.method not in READING:
            kept = seal_form(self._keys.current, body, target, self._chance) if keepable(request) and body else ""
            if not kept:
                return None
        ticket = self._ticket_of(visitor, request) or self._join(now)
        self._line.reopen()
        self.opened = True
        return self._show(decision, ticket, now, secure=secure, kept=kept), WAITING

    def _may_wait(self, decision: Decision) -> bool:
        facts = decision.facts
        return (
            facts.page is PageKind.PAGE
            and decision.enforced
            and not facts.exempt
            and facts.crawler is not Crawler.VERIFIED
        )

    # -- in the line --------------------------------------------------------------------------------------------------

    def ask(self, visitor: Visitor, request: Request, request_id: str, *, secure: bool) -> OwnAnswer:
        """Tell the script of the page whether it is its turn, and give it the pass, or tell it where it stands.

        Who has no ticket gets none here: the page is asked for again, and judged.
        """
        now, ticket = int(self._clock() * SECOND), self._ticket_of(visitor, request)
        if ticket is None:
            return OwnAnswer(plain(200, (JSON,), READY, request_id))
        binding = self._binding(visitor, request)
        if self._called(ticket):
            self._line.come()
            return OwnAnswer(
                plain(200, (JSON, self._pass(ticket, binding, now, secure=secure)), READY, request_id), LET_IN
            )
        standing = self._standing(ticket, now)
        told = self._pages.tell(request.headers.get(b"accept-language", b""), standing)
        headers = (JSON, (b"Retry-After", b"%d" % standing.pause), self._token(ticket, binding, secure=secure))
        body = orjson.dumps({"ready": False, "place": standing.place, "told": told})
        return OwnAnswer(plain(200, headers, body, request_id), WAITING)

    def send(
        self, visitor: Visitor, request: Request, body: bytes, request_id: str, *, secure: bool
    ) -> OwnAnswer | SendOn:
        """Return what is to be sent on of a form whose turn it is; else the page once more, with the form in it."""
        fields = read_form(body)
        target, kept = safe_target(fields.get("to", "/"), self._own_path), fields.get("kept", "")
        now, ticket = int(self._clock() * SECOND), self._ticket_of(visitor, request)
        if ticket is None:
            return SendOn(target, kept)
        binding = self._binding(visitor, request)
        if self._called(ticket):
            self._line.come()
            return SendOn(target, kept, (self._pass(ticket, binding, now, secure=secure),))
        waiting = Waiting(self._standing(ticket, now), request_id, target, self._chance(16).hex(), kept)
        reply = self._pages.show(request.headers.get(b"accept-language", b""), waiting)
        token = self._token(ticket, binding, secure=secure)
        return OwnAnswer(reply._replace(headers=(*reply.headers, token)), WAITING)

    def _called(self, ticket: Ticket) -> bool:
        return not self._line.opened or ticket.arrived <= self._line.front.moment

    # -- tickets ------------------------------------------------------------------------------------------------------

    def _binding(self, visitor: Visitor, request: Request) -> bytes:
        return bind(visitor.binding, request.headers.get(b"user-agent", b""))

    def _ticket_of(self, visitor: Visitor, request: Request) -> Ticket | None:
        """Return the ticket that a visitor brought; None when they have none that holds."""
        binding = self._binding(visitor, request)
        ticket = unseal_ticket(self._keys.keys, request.headers.get(b"cookie", b""), binding)
        if ticket is not None and (ticket.until or ticket.arrived // SECOND + LASTS) > self._clock():
            return ticket
        return None

    def _join(self, now: int) -> Ticket:
        self._line.join(now)
        self.opened = True
        return Ticket(now)

    def _pass(self, ticket: Ticket, binding: bytes, now: int, *, secure: bool) -> tuple[bytes, bytes]:
        """Return the cookie with which a visitor goes in and out for a while."""
        until = now // SECOND + int(self._seconds)
        return self._token(Ticket(ticket.arrived, until), binding, secure=secure)

    def _token(self, ticket: Ticket, binding: bytes, *, secure: bool) -> tuple[bytes, bytes]:
        return set_ticket(seal_ticket(self._keys.current, ticket, binding), secure=secure)

    def _standing(self, ticket: Ticket, now: int) -> Standing:
        line = self._line
        place, rate = max(1, ahead(line.joined(now), line.front, ticket.arrived, now)), line.rate
        return Standing(place, expected(place, rate), pause(place, rate))

    def _show(self, decision: Decision, ticket: Ticket, now: int, *, secure: bool, kept: str = "") -> Reply:
        facts = decision.facts
        request, target = facts.request, target_of(facts.request)
        waiting = Waiting(self._standing(ticket, now), decision.id, target, self._chance(16).hex(), kept)
        reply = self._pages.show(request.headers.get(b"accept-language", b""), waiting)
        token = self._token(ticket, self._binding(facts.visitor, request), secure=secure)
        return reply._replace(headers=(*reply.headers, token))


def written(request: Request) -> str:
    """Return path and query of a request as they came."""
    return f"{request.path}?{request.query}" if request.query else request.path
