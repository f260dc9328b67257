"""The gate: challenges newcomers, judges their answers, gives and reads clearances. It knows no door."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, assert_never
from urllib.parse import quote

from shieldproxy.core.clearance import Clearance, Kind, Refusal, bind, seal
from shieldproxy.core.facts import Request, Visitor
from shieldproxy.core.policy import ChallengePolicy
from shieldproxy.core.puzzles import Answer, Outcome, check_any, issue_text, lock, unlock
from shieldproxy.core.verdict import Verdict
from shieldproxy.guard.answers import problem, redirect, well
from shieldproxy.guard.appearance import Appearance
from shieldproxy.guard.challenge_pages import ChallengePages, Occasion, Offer
from shieldproxy.guard.clearances import Clearances
from shieldproxy.guard.cookies import set_cookie
from shieldproxy.guard.forms import read_form
from shieldproxy.guard.phrasebook import Phrasebook
from shieldproxy.guard.replies import Header, Replies, Reply
from shieldproxy.guard.returns import safe_target, target_of

if TYPE_CHECKING:
    from shieldproxy.core.ports import Chance, SpentPuzzles, WallClock
    from shieldproxy.state.keys import KeyRing

# An answer is about 600 bytes, a form some hundred more than its target; whatever is longer is not read.
MAX_OWN_BODY = 8_192
# What a robot that cannot answer is told: soon, but not at once (seconds).
RETRY_SOON = 10


class OwnAnswer(NamedTuple):
    """The answer to a request for one of our own paths, and what became of the challenge, as records name it.

    ``challenge`` is a word of ``puzzles.Outcome`` or ``clearance.Refusal``, ``no_cookie``, or '' where none was
    judged; ``kind`` is proof-of-work or form, '' likewise.
    """

    reply: Reply
    challenge: str = ""
    kind: str = ""


class Gate:
    """Stands before newcomers. Keeps nothing of a challenge it gives; accepts each answer once."""

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
        self._policy = policy
        self._keys = keys
        self._phrasebook = phrasebook
        self._replies = replies
        self._own_path = own_path.rstrip("/")
        self._spent = spent
        self._clock = clock
        self._chance = chance
        self._clearances = Clearances(keys.keys, policy.epoch, clock)
        self._pages = ChallengePages(appearance, phrasebook, policy, self._own_path)

    def adopt(self, policy: ChallengePolicy, keys: KeyRing, appearance: Appearance) -> None:
        """Challenge by ``policy`` from now on; sign with the first of ``keys``, accept all of them."""
        self._policy = policy
        self._keys = keys
        self._clearances.adopt(keys.keys, policy.epoch)
        self._pages = ChallengePages(appearance, self._phrasebook, policy, self._own_path)

    # -- what every request may need ----------------------------------------------------------------------------------

    def challenge(self, visitor: Visitor, request: Request, verdict: Verdict, request_id: str) -> Reply:
        """Return the challenge page: 503 with Retry-After, so that no search engine takes it for the site's own."""
        occasion = Occasion.FIRST if request.method in ("GET", "HEAD") else Occasion.UNSENT
        wait = math.ceil(verdict.wait) if verdict.wait > 0.0 else RETRY_SOON
        return self._show(occasion, visitor, request, request_id, target_of(request), wait=wait)

    def read_clearance(
        self,
        cookies: bytes,
        visitor: Visitor,
        user_agent: bytes,
        *,
        secure: bool,  # noqa: ARG002 - both names count on both schemes: a site that moves to TLS keeps its visitors
    ) -> Clearance | Refusal | None:
        """Return the clearance in a Cookie header, why its token gives none, or None where there is no token."""
        return self._clearances.read(cookies, visitor.binding, user_agent)

    # -- our own paths ------------------------------------------------------------------------------------------------

    def is_own(self, path: str) -> bool:
        """Tell whether ``path`` is ours and never reaches the origin."""
        return path.startswith(self._own_path + "/")

    def serve(self, visitor: Visitor, request: Request, body: bytes, request_id: str, *, secure: bool) -> OwnAnswer:
        """Answer a request for an own path. ``secure`` when the visitor came over TLS. Never raises."""
        if len(body) > MAX_OWN_BODY:
            return OwnAnswer(self._replies.notice(413, 0.0, request, request_id))
        match (request.path.removeprefix(self._own_path), request.method):
            case ("/answer", "POST"):
                return self.answer(visitor, request, body, request_id, secure=secure)
            case ("/continue", "POST"):
                return self.proceed(visitor, request, body, request_id, secure=secure)
            case ("/return", "GET" | "HEAD"):
                return self.send_back(visitor, request, request_id)
            case ("/answer" | "/continue", _):
                return self._not_allowed(request, request_id, b"POST")
            case ("/return", _):
                return self._not_allowed(request, request_id, b"GET, HEAD")
            case _:
                return OwnAnswer(self._replies.notice(404, 0.0, request, request_id))

    def too_many(self, reply: Reply) -> OwnAnswer:
        """Return ``reply`` as the answer to a client that answers faster than anybody can."""
        return OwnAnswer(reply)

    def answer(self, visitor: Visitor, request: Request, body: bytes, request_id: str, *, secure: bool) -> OwnAnswer:
        """Judge the solver's answer: size and signature first, then whose it is, then the work, then once only."""
        binding = _binding(visitor, request)
        now = self._clock()
        outcome = self._spend(self._check(body, binding, now), now).outcome
        match outcome:
            case Outcome.PASSED:
                granted = self._grant(Kind.WORK, binding, now, secure=secure)
                return OwnAnswer(well(request_id, granted), outcome, Kind.WORK)
            case Outcome.GARBLED | Outcome.FORGED | Outcome.WRONG | Outcome.TOO_EARLY:
                reply = problem(400 if outcome is Outcome.GARBLED else 403, outcome, b"", request_id)
                return OwnAnswer(reply, outcome, Kind.WORK)
            case Outcome.EXPIRED | Outcome.FOREIGN | Outcome.SPENT:
                # An honest browser slept too long, or changed its address on the way: it may try again at once.
                offer = self._offer(binding, int(now))
                return OwnAnswer(problem(403, outcome, offer.puzzle, request_id), outcome, Kind.WORK)
            case _:
                assert_never(outcome)

    def proceed(self, visitor: Visitor, request: Request, body: bytes, request_id: str, *, secure: bool) -> OwnAnswer:
        """Judge the form that works without a script: not before its time, once only, then back by way of a check."""
        fields = read_form(body)
        target = safe_target(fields.get("to", "/"), self._own_path)
        token = fields.get("token", "")
        binding = _binding(visitor, request)
        now = self._clock()
        outcome = self._spend(self._unlock(token, binding, now), now).outcome
        match outcome:
            case Outcome.PASSED:
                check_first = f"{self._own_path}/return?to={quote(target, safe='/')}"
                reply = redirect(check_first, request_id, self._grant(Kind.FORM, binding, now, secure=secure))
            case Outcome.TOO_EARLY:
                left = max(1, math.ceil(int(token.split(".")[1]) - now))
                reply = self._show(Occasion.EARLY, visitor, request, request_id, target, wait=left, token=token)
            case Outcome.GARBLED | Outcome.FORGED | Outcome.WRONG | Outcome.EXPIRED | Outcome.FOREIGN | Outcome.SPENT:
                # A second click on the button comes with the cookie that the first one earned: no reason to refuse.
                if isinstance(self._read(visitor, request), Clearance):
                    reply = self._lead_on(visitor, request, request_id, target)
                else:
                    reply = self._show(Occasion.FAILED, visitor, request, request_id, target)
            case _:
                assert_never(outcome)
        return OwnAnswer(reply, outcome, Kind.FORM)

    def send_back(self, visitor: Visitor, request: Request, request_id: str) -> OwnAnswer:
        """Send a visitor on whose cookie came back; tell one whose cookie did not, instead of going round for ever."""
        target = safe_target(read_form(request.query.encode("latin-1", "replace")).get("to", "/"), self._own_path)
        found = self._read(visitor, request)
        script = self._replies.wants_json(request)
        if isinstance(found, Clearance):
            if script:
                return OwnAnswer(well(request_id))
            return OwnAnswer(self._lead_on(visitor, request, request_id, target))
        word = "no_cookie" if found is None else str(found)
        if script:
            # The address changed on the way: proved again at once, without the visitor's doing.
            puzzle = b"" if found is None else self._offer(_binding(visitor, request), int(self._clock())).puzzle
            return OwnAnswer(problem(403, word, puzzle, request_id), word)
        occasion = Occasion.NO_COOKIE if found is None else Occasion.FAILED
        return OwnAnswer(self._show(occasion, visitor, request, request_id, target), word)

    # -- judging ------------------------------------------------------------------------------------------------------

    def _check(self, payload: bytes, binding: bytes, now: float) -> Answer:
        if Kind.WORK not in self._policy.kinds:
            return Answer(Outcome.EXPIRED)
        return check_any(self._keys.keys, payload, binding=binding.hex(), now=now)

    def _unlock(self, token: str, binding: bytes, now: float) -> Answer:
        """Judge with each key in turn: a page given before the keys changed is answered after."""
        judged = Answer(Outcome.EXPIRED)
        if Kind.FORM not in self._policy.kinds:
            return judged
        for key in self._keys.keys:
            judged = unlock(key, token, binding=binding.hex(), now=now)
            if judged.outcome is not Outcome.FORGED:
                break
        return judged

    def _spend(self, judged: Answer, now: float) -> Answer:
        """Spend the puzzle of an answer that passed: one step, so of two at once only one passes."""
        if judged.outcome is not Outcome.PASSED or self._spent.spend_once(judged.nonce, judged.expires, now):
            return judged
        return Answer(Outcome.SPENT)

    def _grant(self, kind: Kind, binding: bytes, now: float, *, secure: bool) -> Header:
        policy = self._policy
        lasts = int(policy.clearance_validity if kind is Kind.WORK else policy.form_clearance_validity)
        clearance = Clearance(self._chance(8).hex(), kind, int(now) + lasts, policy.epoch)
        token = seal(self._keys.current, clearance, binding)
        return (b"Set-Cookie", set_cookie(token, lasts, secure=secure))

    def _read(self, visitor: Visitor, request: Request) -> Clearance | Refusal | None:
        headers = request.headers
        return self._clearances.read(headers.get(b"cookie", b""), visitor.binding, headers.get(b"user-agent", b""))

    # -- answering ----------------------------------------------------------------------------------------------------

    def _offer(self, binding: bytes, now: int) -> Offer:
        """Return a puzzle and a form token. They share a nonce, so one page gives one clearance."""
        policy, key, bound = self._policy, self._keys.current, binding.hex()
        nonce = self._chance(16).hex()
        expires = now + int(policy.puzzle_validity)
        puzzle = issue_text(key, nonce=nonce, cost=policy.cost, expires=expires, binding=bound)
        token = lock(key, nonce=nonce, ready=now + math.ceil(policy.form_wait), expires=expires, binding=bound)
        return Offer(puzzle, token.encode())

    def _show(  # noqa: PLR0913 - a page, its reader, and what differs
        self,
        occasion: Occasion,
        visitor: Visitor,
        request: Request,
        request_id: str,
        target: str,
        *,
        wait: int = 0,
        token: str = "",
    ) -> Reply:
        offer = self._offer(_binding(visitor, request), int(self._clock()))
        if token:
            offer = offer._replace(token=token.encode())
        language = request.headers.get(b"accept-language", b"")
        nonce = self._chance(16).hex()
        return self._pages.show(occasion, language, offer, request_id, target, nonce=nonce, wait=wait)

    def _lead_on(self, visitor: Visitor, request: Request, request_id: str, target: str) -> Reply:
        """Send a visitor on to ``target``.

        Browsers hold every redirect that follows a form against the page's form-action, so a target that itself
        redirects to another host (a sign-in, a "www.") would be blocked. They get a page that goes on at once, by
        a header and with a link; text browsers, which know no such policy, are redirected.
        """
        if request.headers.get(b"user-agent", b"").startswith(b"Mozilla/"):
            return self._show(Occasion.PASSED, visitor, request, request_id, target)
        return redirect(target, request_id)

    def _not_allowed(self, request: Request, request_id: str, allow: bytes) -> OwnAnswer:
        reply = self._replies.notice(405, 0.0, request, request_id)
        return OwnAnswer(reply._replace(headers=(*reply.headers, (b"Allow", allow))))


def _binding(visitor: Visitor, request: Request) -> bytes:
    return bind(visitor.binding, request.headers.get(b"user-agent", b""))
