"""The guard and its challenges: how hard they are, and the forms they keep."""

from __future__ import annotations

import pytest

from shieldproxy.core.facts import Posture
from shieldproxy.core.policy import BanPolicy, ChallengePolicy, Policy
from shieldproxy.core.rules import Condition, Rule, compile_globs
from shieldproxy.core.verdict import Action, Mode
from shieldproxy.guard.decisions import Outcome
from tests.guard.at_the_gate import ELSEWHERE, filled, form_on, puzzle_on, solved
from tests.guard.guarded_site import GuardedSite
from tests.scenes import BROWSER, request

ODD = Rule("odd", Condition(path=compile_globs(("/odd",))), weight=100)
ASKS = Rule("asks", Condition(path=compile_globs(("/asked",))), Action.CHALLENGE)
POLICY = Policy(rules=(ODD, ASKS), challenge=ChallengePolicy(cost=100, form_wait=0.0), bans=BanPolicy(offences=3))
FORM = {
    **BROWSER,
    b"content-type": b"application/x-www-form-urlencoded",
    b"content-length": b"3",
    b"sec-fetch-site": b"same-origin",
}
SENT = request("/odd", FORM, method="POST")


def work_for(site: GuardedSite, path: str) -> int:
    """Return the iterations of PBKDF2 that the puzzle for ``path`` takes in the mean."""
    page = site.guard.reply(site.decide(request(path)))
    assert page is not None
    asked = puzzle_on(page)["parameters"]
    return int(asked["cost"]) * int(16 ** len(asked["keyPrefix"]))


def test_difficulty_rises_with_suspicion_and_posture() -> None:
    """Who is challenged without suspicion does the usual work; weights make it more, and an attack still more."""
    site = GuardedSite(POLICY)
    usual = work_for(site, "/asked")
    assert usual == 100 * 256
    assert work_for(site, "/odd") == 2 * usual
    site.situation.posture = Posture.UNDER_ATTACK
    assert work_for(site, "/asked") == usual
    assert work_for(site, "/odd") == 4 * usual


def test_a_puzzle_asked_for_anew_is_no_easier() -> None:
    """Nobody gets an easy puzzle by answering a hard one wrongly: own paths hear of the weights too."""
    everywhere = Rule("everywhere", Condition(user_agent=compile_globs(("*",))), weight=100)
    site = GuardedSite(POLICY._replace(rules=(everywhere,)))
    page = site.guard.reply(site.decide(request("/")))
    assert page is not None
    hard = puzzle_on(page)["parameters"]
    decision = site.decide(request("/.shieldproxy/continue", method="POST"))
    again = site.guard.serve_own(decision, b"token=nonsense", secure=True).reply
    renewed = puzzle_on(again)["parameters"] if b"puzzle" in again.body else None
    assert renewed is None  # the page after a failure has no puzzle, only the button
    body = solved(puzzle_on(page))
    site.send(body, BROWSER)
    spent = site.send(body, BROWSER).reply.body
    assert b'"cost":%d' % hard["cost"] in spent


def test_a_challenged_form_is_kept_once_its_body_is_here() -> None:
    """The door is told to wait for the body; then the page holds it, and the record says that a challenge was issued."""
    site = GuardedSite(POLICY)
    decision = site.decide(SENT)
    assert (decision.own, decision.admitted, site.guard.reply(decision)) == (True, False, None)
    answer = site.guard.serve_own(decision, b"a=1", secure=True)
    site.guard.settle(decision, Outcome(answer.reply.status, challenge=answer.challenge))
    assert answer.reply.status == 503
    assert form_on(answer.reply)["kept"]
    assert [record.challenge for record in site.records] == ["issued"]
    assert site.tallies.named["challenges.proof-of-work.issued"] == 1
    sent = site.decide(request("/.shieldproxy/continue", FORM, method="POST"))
    passed = site.guard.serve_own(sent, filled(form_on(answer.reply)), secure=True)
    assert form_on(passed.reply) == {"a": "1"}


NOT_KEPT = [
    POLICY._replace(mode=Mode.OBSERVE),
    POLICY._replace(challenge=POLICY.challenge._replace(kinds=("proof-of-work",))),
]


@pytest.mark.parametrize("policy", NOT_KEPT)
def test_a_form_is_kept_only_where_it_would_be_held_up(policy: Policy) -> None:
    """In observe mode it goes on; without the button nothing could send it, so the browser is asked to do so again."""
    decision = GuardedSite(policy).decide(SENT)
    assert not decision.own


def test_keeping_forms_is_no_lever() -> None:
    """Forms count as answers do; who sends too many gets the page without what was sent."""
    site = GuardedSite(POLICY._replace(challenge=POLICY.challenge._replace(answer_rate=1.0, answer_burst=2.0)))
    kept = ["kept" in form_on(site.guard.serve_own(site.decide(SENT), b"a=1", secure=True).reply) for _ in range(3)]
    assert kept == [True, True, False]


def test_a_roaming_visitor_without_scripts_is_no_offender() -> None:
    """A token of another network is foreign, not forged: it is counted as that and bans nobody."""
    site = GuardedSite(POLICY)
    page = site.guard.reply(site.decide(request("/odd")))
    assert page is not None
    for _ in range(5):
        decision = site.decide(request("/.shieldproxy/continue", method="POST"), ELSEWHERE.address)
        answer = site.guard.serve_own(decision, filled(form_on(page)), secure=True)
        site.guard.settle(decision, Outcome(answer.reply.status, challenge=answer.challenge))
        assert answer.challenge == "foreign"
    assert site.imposed == []
    assert site.tallies.named["challenges.form.foreign"] == 5
    assert "offences" not in site.tallies.named
