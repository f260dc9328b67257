"""Proofs: what newcomers are given, and how hard it is."""

from __future__ import annotations

import json

from shieldproxy.core.policy import ChallengePolicy
from shieldproxy.core.puzzles import Outcome, difficulty
from shieldproxy.guard.proofs import Proofs
from shieldproxy.state.keys import KeyRing
from tests.fakes.chance import CountedChance
from tests.fakes.clock import HandClock
from tests.fakes.puzzles import DictPuzzles
from tests.guard.at_the_gate import ELSEWHERE, HOME, KEY, OLD, solved
from tests.scenes import request


def proofs(clock: HandClock, *keys: bytes, policy: ChallengePolicy | None = None) -> Proofs:
    """Return proofs with spent puzzles of their own."""
    ring = KeyRing(keys or (KEY,))
    return Proofs(policy or ChallengePolicy(cost=4), ring, spent=DictPuzzles(), clock=clock, chance=CountedChance())


def test_a_puzzle_is_as_hard_as_was_asked(clock: HandClock) -> None:
    """Nothing said is what is usual; more work shows in the parameters that the browser reads."""
    for work, meant in ((0, 4), (4, 4), (1_600, 1_600)):
        puzzle = json.loads(proofs(clock).offer(HOME, request(), work).puzzle)["parameters"]
        assert (puzzle["cost"], puzzle["keyPrefix"]) == difficulty(meant)


def test_puzzle_and_token_of_one_offer_are_spent_together(clock: HandClock) -> None:
    """Whichever comes first passes; a stranger's token is foreign, which is no forgery."""
    stand = proofs(clock)
    offer = stand.offer(HOME, request(), 0)
    clock.advance(3)
    assert stand.judge_form(ELSEWHERE, request(), offer.token.decode()) is Outcome.FOREIGN
    assert stand.judge_work(HOME, request(), solved(json.loads(offer.puzzle))) is Outcome.PASSED
    assert stand.judge_form(HOME, request(), offer.token.decode()) is Outcome.SPENT


def test_what_the_old_key_signed_is_good_after_a_rotation(clock: HandClock) -> None:
    """A page given before the keys changed is answered after; one of a key nobody has is forged."""
    stand = proofs(clock, OLD)
    first, second = (stand.offer(HOME, request(), 0) for _ in range(2))
    clock.advance(3)
    stand.adopt(ChallengePolicy(cost=4), KeyRing((KEY, OLD)))
    assert stand.judge_form(HOME, request(), first.token.decode()) is Outcome.PASSED
    stand.adopt(ChallengePolicy(cost=4), KeyRing((KEY,)))
    assert stand.judge_form(HOME, request(), second.token.decode()) is Outcome.FORGED


def test_what_is_not_offered_is_not_accepted(clock: HandClock) -> None:
    """Where an operator takes one kind out, its answers are too late, not forged."""
    stand = proofs(clock)
    offer = stand.offer(HOME, request(), 0)
    clock.advance(3)
    stand.adopt(ChallengePolicy(cost=4, kinds=("form",)), KeyRing((KEY,)))
    assert stand.judge_work(HOME, request(), solved(json.loads(offer.puzzle))) is Outcome.EXPIRED
    stand.adopt(ChallengePolicy(cost=4, kinds=("proof-of-work",)), KeyRing((KEY,)))
    assert stand.judge_form(HOME, request(), offer.token.decode()) is Outcome.EXPIRED
