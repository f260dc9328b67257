"""The gate: challenges newcomers, judges their answers, gives and reads clearances. It knows no door."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, assert_never
from urllib.parse import quote

from shieldproxy.core.clearance import Clearance, Kind, Refusal
from shieldproxy.core.facts import Request, Visitor
from shieldproxy.core.policy import ChallengePolicy
from shieldproxy.core.puzzles import Outcome
from shieldproxy.core.verdict import Verdict
from shieldproxy.guard.answers import OwnAnswer, problem, redirect, well
from shieldproxy.guard.appearance import Appearance
from shieldproxy.guard.challenge_pages import ChallengePages, Occasion, Shown
from shieldproxy.guard.clearances import Clearances
from shieldproxy.guard.forms import read_form
from shieldproxy.guard.kept_forms import fields_html, from_here, open_form, seal_form
from shieldproxy.guard.phrasebook import Phrasebook
from shieldproxy.guard.proofs import Proofs
from shieldproxy.guard.replies import Replies, Reply
from shieldproxy.guard.returns import safe_target, target_of
from shieldproxy.guard.waiting import LET_IN

if TYPE_CHECKING:
    from shieldproxy.core.ports import Chance, SpentPuzzles, WallClock
    from shieldproxy.guard.waiting import WaitingRoom
    from shieldproxy.state.keys import KeyRing

# An answer is about 600 bytes, a form some hundred more than its target (8 KiB) and what it keeps; more is not read.
MAX_OWN_BODY = 65_536
# What a robot that cannot answer is told: soon, but not at once (seconds).
RETRY_SOON = 10


class Asked(NamedTuple):
    """A request, who sends it, the ID it was given, and how much a puzzle would ask of them (0: the usual)."""

    visitor: Visitor
    request: Request
    id: str
    work: int = 0


class Gate:
    """Stands before newcomers. Keeps nothing of a challenge it gives; accepts each answer once.

    ``room`` is where people wait while the site is full; None where nobody does.
    """

    def __init__(  # noqa: PLR0913 - one argument for each port
        self,
        policy: ChallengePolicy,
        keys: KeyRing,
        *,
        appearance: Appearance,
        phrasebook: Phrasebook,
        replies: Replies,
        own_path: str,
        spent: SpentPuzzles,
        clock: WallClock,
        chance: Chance,
    ) -> None:
        self._keys = keys
        self._phrasebook = phrasebook
        self._replies = replies
        self._own_path = own_path.rstrip("/")
        self._clock = clock
        self._chance = chance
        self._proofs = Proofs(policy, keys, spent=spent, clock=clock, chance=chance)
        self._clearances = Clearances(keys.keys, policy.epoch, clock, policy.late_forms)
        self._pages = ChallengePages(appearance, phrasebook, policy, self._own_path)
        self.room: WaitingRoom | None = None

    def adopt(self, policy: ChallengePolicy, keys: KeyRing, appearance: Appearance) -> None:
        """Challenge by ``policy`` from now on; sign with the first of ``keys``, accept all of them."""
        self._keys = keys
        self._proofs.adopt(policy, keys)
        self._clearances.adopt(keys.keys, policy.epoch, policy.late_forms)
        self._pages = ChallengePages(appearance, self._phrasebook, policy, self._own_path)

    # -- what every request may need ----------------------------------------------------------------------------------

    def challenge(  # noqa: PLR0913, PLR0917 - who asks for what, and what is done about it
        self, visitor: Visitor, request: Request, verdict: Verdict, request_id: str, work: int = 0, body: bytes = b""
    ) -> Reply:
        """Return the challenge page: 503 with Retry-After, so that no search engine takes it for the site's own.

        ``work`` is how much the puzzle asks for, 0: the usual. ``body`` is a form to be kept and sent on.
        """
        target, kept = target_of(request), ""
        if body:
            kept = seal_form(self._keys.current, body, target, self._chance)
        occasion = Occasion.FIRST if request.method in ("GET", "HEAD") or kept else Occasion.UNSENT
        wait = math.ceil(verdict.wait) if verdict.wait > 0.0 else RETRY_SOON
        return self._show(occasion, Asked(visitor, request, request_id, work), target, wait=wait, kept=kept)

    def read_clearance(
        self, cookies: bytes, visitor: Visitor, user_agent: bytes, *, late: bool = False
    ) -> Clearance | Refusal | None:
        """Return the clearance in a Cookie header, why its token gives none, or None where there is no token.

        Both names of the cookie count on both schemes: a site that moves to TLS keeps its visitors. ``late``: one
        that ended less than ``late_forms`` ago counts as well.
        """
        if late:
            return self._clearances.read_late(cookies, visitor.binding, user_agent)
        return self._clearances.read(cookies, visitor.binding, user_agent)

    # -- our own paths ------------------------------------------------------------------------------------------------

    def is_own(self, path: str) -> bool:
        """Tell whether ``path`` is ours and never reaches the origin."""
        return path.startswith(self._own_path + "/")

    def serve(  # noqa: PLR0913 - who asks for what
        self, visitor: Visitor, request: Request, body: bytes, request_id: str, *, secure: bool, work: int = 0
    ) -> OwnAnswer:
        """Answer a request for an own path. ``secure`` when the visitor came over TLS. Never raises."""
        if len(body) > MAX_OWN_BODY:
            return OwnAnswer(self._replies.notice(413, 0.0, request, request_id))
        asked = Asked(visitor, request, request_id, work)
        match (request.path.removeprefix(self._own_path), request.method):
            case ("/answer", "POST"):
                return self.answer(asked, body, secure=secure)
            case ("/continue", "POST"):
                return self.proceed(asked, body, secure=secure)
            case ("/return", "GET" | "HEAD"):
                return self.send_back(asked)
            case ("/line", "GET" | "HEAD") if self.room is not None and self._replies.wants_json(request):
                return self.room.ask(visitor, request, request_id, secure=secure)
            case ("/line", "POST") if self.room is not None:
                return self._send_in_turn(self.room, asked, body, secure=secure)
            case ("/answer" | "/continue", _):
                return self._not_allowed(request, request_id, b"POST")
            case ("/return", _):
                return self._not_allowed(request, request_id, b"GET, HEAD")
            case _:
                return OwnAnswer(self._replies.notice(404, 0.0, request, request_id))

    def too_many(self, reply: Reply) -> OwnAnswer:
        """Return ``reply`` as the answer to a client that answers faster than anybody can."""
        return OwnAnswer(reply)

    def answer(self, asked: Asked, body: bytes, *, secure: bool) -> OwnAnswer:
        """Judge the solver's answer: size and signature first, then whose it is, then the work, then once only."""
        visitor, request, request_id, work = asked
        outcome = self._proofs.judge_work(visitor, request, body)
        match outcome:
            case Outcome.PASSED:
                granted = self._proofs.grant(Kind.WORK, visitor, request, secure=secure)
                return OwnAnswer(well(request_id, granted), outcome, Kind.WORK)
            case Outcome.GARBLED | Outcome.FORGED | Outcome.WRONG | Outcome.TOO_EARLY:
                reply = problem(400 if outcome is Outcome.GARBLED else 403, outcome, b"", request_id)
                return OwnAnswer(reply, outcome, Kind.WORK)
            case Outcome.EXPIRED | Outcome.FOREIGN | Outcome.SPENT:
                # An honest browser slept too long, or changed its address on the way: it may try again at once.
                offer = self._proofs.offer(visitor, request, work)
                return OwnAnswer(problem(403, outcome, offer.puzzle, request_id), outcome, Kind.WORK)
            case _:
                assert_never(outcome)

    def proceed(self, asked: Asked, body: bytes, *, secure: bool) -> OwnAnswer:
        """Judge the form that works without a script: not before its time, once only, then back by way of a check."""
        visitor, request, request_id, _ = asked
        fields = read_form(body)
        target = safe_target(fields.get("to", "/"), self._own_path)
        token, kept = fields.get("token", ""), fields.get("kept", "")
        outcome = self._proofs.judge_form(visitor, request, token)
        if outcome is not Outcome.PASSED and isinstance(self._read(visitor, request), Clearance):
            # A second click comes with the cookie that the first one earned, and the script with its own: no reason to
            # refuse, nor to wait.
            return OwnAnswer(self._go_on(asked, target, kept), outcome, Kind.FORM)
        match outcome:
            case Outcome.PASSED:
                granted = self._proofs.grant(Kind.FORM, visitor, request, secure=secure)
                if kept:
                    reply = self._send_on(asked, target, kept)
                    reply = reply._replace(headers=(*reply.headers, granted))
                else:
                    reply = redirect(f"{self._own_path}/return?to={quote(target, safe='/')}", request_id, granted)
            case Outcome.TOO_EARLY:
                left = max(1, math.ceil(int(token.split(".")[1]) - self._clock()))
                reply = self._show(Occasion.EARLY, asked, target, wait=left, token=token, kept=kept)
            case Outcome.GARBLED | Outcome.FORGED | Outcome.WRONG | Outcome.EXPIRED | Outcome.FOREIGN | Outcome.SPENT:
                reply = self._show(Occasion.FAILED, asked, target, kept=kept)
            case _:
                assert_never(outcome)
        return OwnAnswer(reply, outcome, Kind.FORM)

    def _send_in_turn(self, room: WaitingRoom, asked: Asked, body: bytes, *, secure: bool) -> OwnAnswer:
        """Send on a form that waited in line, once it is its turn."""
        answer = room.send(asked.visitor, asked.request, body, asked.id, secure=secure)
        if isinstance(answer, OwnAnswer):
            return answer
        reply = self._go_on(asked, answer.target, answer.kept)
        return OwnAnswer(reply._replace(headers=(*reply.headers, *answer.headers)), LET_IN)

    def send_back(self, asked: Asked) -> OwnAnswer:
        """Send a visitor on whose cookie came back; tell one whose cookie did not, instead of going round for ever."""
        visitor, request, request_id, work = asked
        target = safe_target(read_form(request.query.encode("latin-1", "replace")).get("to", "/"), self._own_path)
        found = self._read(visitor, request)
        script = self._replies.wants_json(request)
        if isinstance(found, Clearance):
            return OwnAnswer(well(request_id) if script else self._lead_on(asked, target))
        word = "no_cookie" if found is None else str(found)
        if script:
            # The address changed on the way: proved again at once, without the visitor's doing.
            puzzle = b"" if found is None else self._proofs.offer(visitor, request, work).puzzle
            return OwnAnswer(problem(403, word, puzzle, request_id), word)
        occasion = Occasion.NO_COOKIE if found is None else Occasion.FAILED
        return OwnAnswer(self._show(occasion, asked, target), word)

    # -- answering ----------------------------------------------------------------------------------------------------

    def _read(self, visitor: Visitor, request: Request) -> Clearance | Refusal | None:
        headers = request.headers
        return self._clearances.read(headers.get(b"cookie", b""), visitor.binding, headers.get(b"user-agent", b""))

    def _show(  # noqa: PLR0913 - a page, its reader, and what differs
        self,
        occasion: Occasion,
        asked: Asked,
        target: str,
        *,
        wait: int = 0,
        token: str = "",
        kept: str = "",
        fields: str = "",
    ) -> Reply:
        offer = self._proofs.offer(asked.visitor, asked.request, asked.work)
        if token:
            offer = offer._replace(token=token.encode())
        language = asked.request.headers.get(b"accept-language", b"")
        shown = Shown(offer, asked.id, target, self._chance(16).hex(), wait, kept, fields)
        return self._pages.show(occasion, language, shown)

    def _go_on(self, asked: Asked, target: str, kept: str) -> Reply:
        return self._send_on(asked, target, kept) if kept else self._lead_on(asked, target)

    def _send_on(self, asked: Asked, target: str, kept: str) -> Reply:
        """Return the page from which the browser sends a kept form again, or one that says that it was not sent."""
        body = open_form(self._keys.keys, kept, target) if from_here(asked.request) else b""
        if not body:
            return self._show(Occasion.LOST, asked, target)
        return self._show(Occasion.SEND_ON, asked, target, fields=fields_html(body))

    def _lead_on(self, asked: Asked, target: str) -> Reply:
        """Send a visitor on to ``target``.

        Browsers hold every redirect that follows a form against the page's form-action, so a target that itself
        redirects to another host (a sign-in, a "www.") would be blocked. They get a page that goes on at once, by
        a header and with a link; text browsers, which know no such policy, are redirected.
        """
        if asked.request.headers.get(b"user-agent", b"").startswith(b"Mozilla/"):
            return self._show(Occasion.PASSED, asked, target)
        return redirect(target, asked.id)

    def _not_allowed(self, request: Request, request_id: str, allow: bytes) -> OwnAnswer:
        reply = self._replies.notice(405, 0.0, request, request_id)
        return OwnAnswer(reply._replace(headers=(*reply.headers, (b"Allow", allow))))
