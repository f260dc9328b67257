"""Proofs: what newcomers are given to show that they are a browser, and whether what they bring back shows it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from shieldproxy.core.clearance import Clearance, Kind, bind, seal
from shieldproxy.core.facts import Request, Visitor
from shieldproxy.core.policy import ChallengePolicy
from shieldproxy.core.puzzles import Answer, Outcome, check_any, issue_text, lock, unlock
from shieldproxy.guard.cookies import set_cookie
from shieldproxy.guard.replies import Header

if TYPE_CHECKING:
    from shieldproxy.core.ports import Chance, SpentPuzzles, WallClock
    from shieldproxy.state.keys import KeyRing


class Offer(NamedTuple):
    """What one visitor is given to answer: a puzzle as JSON text, and the token of the form."""

    puzzle: bytes
    token: bytes


class Proofs:
    """Makes puzzles and tokens, judges answers, seals clearances. Remembers nothing but what was spent."""

    def __init__(
        self, policy: ChallengePolicy, keys: KeyRing, *, spent: SpentPuzzles, clock: WallClock, chance: Chance
    ) -> None:
        self._policy = policy
        self._keys = keys
        self._spent = spent
        self._clock = clock
        self._chance = chance

    def adopt(self, policy: ChallengePolicy, keys: KeyRing) -> None:
        """Ask for what ``policy`` says from now on; sign with the first of ``keys``, accept all of them."""
        self._policy = policy
        self._keys = keys

    def offer(self, visitor: Visitor, request: Request, work: int) -> Offer:
        """Return a puzzle and a form token. They share a nonce, so one page gives one clearance.

        ``work`` as ``puzzles.difficulty`` takes it; 0: what is usual.
        """
        policy, key, bound = self._policy, self._keys.current, binding_of(visitor, request).hex()
        now = int(self._clock())
        nonce = self._chance(16).hex()
        expires = now + int(policy.puzzle_validity)
        puzzle = issue_text(key, nonce=nonce, work=work or policy.cost, expires=expires, binding=bound)
        token = lock(key, nonce=nonce, ready=now + math.ceil(policy.form_wait), expires=expires, binding=bound)
        return Offer(puzzle, token.encode())

    def judge_work(self, visitor: Visitor, request: Request, payload: bytes) -> Outcome:
        """Judge a solver's answer, and spend its puzzle when it passes: size and signature first, the work last."""
        if Kind.WORK not in self._policy.kinds:
            return Outcome.EXPIRED
        now, binding = self._clock(), binding_of(visitor, request).hex()
        return self._spend(check_any(self._keys.keys, payload, binding=binding, now=now), now)

    def judge_form(self, visitor: Visitor, request: Request, token: str) -> Outcome:
        """Judge a form's token, and spend it when it passes; with each key in turn, for keys change under a page."""
        judged = Answer(Outcome.EXPIRED)
        if Kind.FORM not in self._policy.kinds:
            return judged.outcome
        now, binding = self._clock(), binding_of(visitor, request).hex()
        for key in self._keys.keys:
            judged = unlock(key, token, binding=binding, now=now)
            if judged.outcome is not Outcome.FORGED:
                break
        return self._spend(judged, now)

    def grant(self, kind: Kind, visitor: Visitor, request: Request, *, secure: bool) -> Header:
        """Return the header that gives a clearance. ``secure`` when the visitor came over TLS."""
        policy = self._policy
        lasts = int(policy.clearance_validity if kind is Kind.WORK else policy.form_clearance_validity)
        clearance = Clearance(self._chance(8).hex(), kind, int(self._clock()) + lasts, policy.epoch)
        token = seal(self._keys.current, clearance, binding_of(visitor, request))
        # The browser keeps it as long as it may still count: for what is sent late (see Gatherer).
        return (b"Set-Cookie", set_cookie(token, lasts + int(policy.late_forms), secure=secure))

    def _spend(self, judged: Answer, now: float) -> Outcome:
        """Spend the puzzle of an answer that passed: one step, so of two at once only one passes."""
        if judged.outcome is not Outcome.PASSED or self._spent.spend_once(judged.nonce, judged.expires, now):
            return judged.outcome
        return Outcome.SPENT


def binding_of(visitor: Visitor, request: Request) -> bytes:
    """Return what a proof is bound to: the neighbourhood of the address and the name of the browser."""
    return bind(visitor.binding, request.headers.get(b"user-agent", b""))
