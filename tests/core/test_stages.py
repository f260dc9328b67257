"""Stages: one question each, and the order in which they are asked."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from shieldproxy.core.buckets import Scope
from shieldproxy.core.facts import Crawler, Facts, Malformed, PageKind, Posture, Tightening
from shieldproxy.core.judge import judge
from shieldproxy.core.ladder import Ban
from shieldproxy.core.policy import ChallengePolicy, Policy, allowed_actions
from shieldproxy.core.stages import (
    RETRY_SOON,
    STAGE_NAMES,
    STAGES,
    STATUS,
    may_challenge,
    over_shared_limit,
    strictest_overdrawn,
    suspicion,
    tightened,
)
from shieldproxy.core.verdict import Action, Verdict
from tests.scenes import CLEARANCE, challenged_page, facts, limit, overdrawn, rule
from tests.strategies import facts as any_facts
from tests.strategies import policies

POLICY = Policy()
ADMIT, CHALLENGE, THROTTLE, REFUSE, DROP = Action
BAN = Ban("192.0.2.1", 1_060.0, "flood")
BROKEN = Malformed(400, "two Host headers")
OWN, CROWD = limit(), limit("crowd", Scope.ASN)
OWN_REFUSES = limit("strict", action=REFUSE)
OWN_CHALLENGES = limit("soft", action=CHALLENGE)
ODD = rule("odd", weight=100)
FRIEND = rule("friend", action=ADMIT)

VERDICTS = [
    # facts, action, stage, rule, status
    # --- nobody objects
    (facts(), ADMIT, "admit", "", 0),
    (facts(readings=(overdrawn(OWN)._replace(slack=0.0),)), ADMIT, "admit", "", 0),
    # --- exempt: by network, by path, by rule; it beats bans, limits and rules
    (facts(exempt="exempt.clients"), ADMIT, "exempt", "exempt.clients", 0),
    (facts(matched=(FRIEND,)), ADMIT, "exempt", "friend", 0),
    (facts(exempt="exempt.paths", ban=BAN), ADMIT, "exempt", "exempt.paths", 0),
    (facts(matched=(rule("no", action=DROP), FRIEND), ban=BAN), ADMIT, "exempt", "friend", 0),
    (facts(exempt="exempt.clients", readings=(overdrawn(OWN),), saturated=True), ADMIT, "exempt", "exempt.clients", 0),
    # but what no two parsers read alike is served to nobody
    (facts(exempt="exempt.clients", malformed=BROKEN), REFUSE, "malformed", "", 400),
    (facts(exempt="exempt.clients", malformed=BROKEN, ban=BAN), REFUSE, "malformed", "", 400),
    # --- banned, as long as the ban lasts
    (facts(ban=BAN), DROP, "banned", "bans", 403),
    (facts(ban=BAN, now=1_059.9), DROP, "banned", "bans", 403),
    (facts(ban=BAN, now=1_060.0), ADMIT, "admit", "", 0),
    (facts(ban=BAN, clearance=CLEARANCE), DROP, "banned", "bans", 403),
    (facts(ban=BAN, crawler=Crawler.VERIFIED), DROP, "banned", "bans", 403),
    (facts(ban=BAN, malformed=BROKEN), DROP, "banned", "bans", 403),
    # --- malformed, with the status of the door
    (facts(malformed=BROKEN), REFUSE, "malformed", "", 400),
    (facts(malformed=Malformed(431, "head too long")), REFUSE, "malformed", "", 431),
    (facts(malformed=BROKEN, clearance=CLEARANCE), REFUSE, "malformed", "", 400),
    # --- denied by a rule: the strictest that matches, whoever asks
    (facts(matched=(rule("no", action=REFUSE),)), REFUSE, "denied", "no", 403),
    (facts(matched=(rule("no", action=DROP),)), DROP, "denied", "no", 403),
    (facts(matched=(rule("later", action=THROTTLE),)), THROTTLE, "denied", "later", 429),
    (facts(matched=(rule("a", action=THROTTLE), rule("b", action=REFUSE))), REFUSE, "denied", "b", 403),
    (facts(matched=(rule("b", action=REFUSE), rule("a", action=THROTTLE))), REFUSE, "denied", "b", 403),
    (facts(matched=(rule("a", action=REFUSE), rule("b", action=REFUSE))), REFUSE, "denied", "a", 403),
    (facts(matched=(rule("no", action=REFUSE),), clearance=CLEARANCE), REFUSE, "denied", "no", 403),
    # --- over its own limit
    (facts(readings=(overdrawn(OWN),)), THROTTLE, "over_own_limit", "client", 429),
    (facts(readings=(overdrawn(OWN), overdrawn(OWN_REFUSES))), REFUSE, "over_own_limit", "strict", 403),
    (facts(readings=(overdrawn(OWN),), clearance=CLEARANCE), THROTTLE, "over_own_limit", "client", 429),
    (facts(readings=(overdrawn(OWN),), crawler=Crawler.VERIFIED), THROTTLE, "over_own_limit", "client", 429),
    (facts(readings=(overdrawn(OWN),), page=PageKind.API), THROTTLE, "over_own_limit", "client", 429),
    # a limit that challenges: pages see the challenge, programs are told to come later
    (facts(readings=(overdrawn(OWN_CHALLENGES),)), CHALLENGE, "over_own_limit", "soft", 503),
    (facts(readings=(overdrawn(OWN_CHALLENGES),), page=PageKind.API), THROTTLE, "over_own_limit", "soft", 429),
    # who has answered one is not asked again, and a confirmed robot is told to come later
    (facts(readings=(overdrawn(OWN_CHALLENGES),), clearance=CLEARANCE), ADMIT, "cleared", "clearance", 0),
    (facts(readings=(overdrawn(OWN_CHALLENGES),), crawler=Crawler.VERIFIED), THROTTLE, "over_own_limit", "soft", 429),
    # a limit that asks for nothing has no opinion, and hides nobody else's
    (facts(readings=(overdrawn(limit(action=ADMIT)), overdrawn(CROWD))), CHALLENGE, "over_shared_limit", "crowd", 503),
    # --- cleared: the crowd's buckets, suspicion and the full table are not asked
    (facts(clearance=CLEARANCE), ADMIT, "cleared", "clearance", 0),
    (facts(clearance=CLEARANCE, readings=(overdrawn(CROWD),), matched=(ODD,)), ADMIT, "cleared", "clearance", 0),
    (facts(crawler=Crawler.VERIFIED, readings=(overdrawn(CROWD),), saturated=True), ADMIT, "cleared", "crawler", 0),
    # an impostor is nobody special
    (facts(crawler=Crawler.IMPOSTOR), ADMIT, "admit", "", 0),
    # --- part of an excess: newcomers' pages are challenged; what is no page is not, nor who has shown anything
    (facts(tightening=Tightening.NETWORK), CHALLENGE, "tightened", "", 503),
    (facts(tightening=Tightening.EVERYBODY), CHALLENGE, "tightened", "", 503),
    (facts(tightening=Tightening.SAMPLE), CHALLENGE, "tightened", "", 503),
    (facts(tightening=Tightening.NETWORK, readings=(overdrawn(CROWD),)), CHALLENGE, "tightened", "", 503),
    (facts(tightening=Tightening.NETWORK, page=PageKind.API), ADMIT, "admit", "", 0),
    (facts(tightening=Tightening.NETWORK, part=True, page=PageKind.ASSET), ADMIT, "admit", "", 0),
    (facts(tightening=Tightening.NETWORK, clearance=CLEARANCE), ADMIT, "cleared", "clearance", 0),
    (facts(tightening=Tightening.EVERYBODY, crawler=Crawler.VERIFIED), ADMIT, "cleared", "crawler", 0),
    (facts(crawler=Crawler.IMPOSTOR, readings=(overdrawn(CROWD),)), CHALLENGE, "over_shared_limit", "crowd", 503),
    # --- over a limit that strangers share
    (facts(readings=(overdrawn(CROWD),)), CHALLENGE, "over_shared_limit", "crowd", 503),
    (facts(readings=(overdrawn(CROWD),), page=PageKind.FEED), THROTTLE, "over_shared_limit", "crowd", 429),
    (facts(readings=(overdrawn(CROWD),), page=PageKind.ASSET), THROTTLE, "over_shared_limit", "crowd", 429),
    (facts(readings=(overdrawn(CROWD),), page=PageKind.WELL_KNOWN), THROTTLE, "over_shared_limit", "crowd", 429),
    (facts(readings=(overdrawn(CROWD),), page=PageKind.UPGRADE), THROTTLE, "over_shared_limit", "crowd", 429),
    # even if somebody made the crowd's limit refuse
    (facts(readings=(overdrawn(CROWD._replace(action=DROP)),)), CHALLENGE, "over_shared_limit", "crowd", 503),
    # the own limit is asked first
    (facts(readings=(overdrawn(CROWD), overdrawn(OWN))), THROTTLE, "over_own_limit", "client", 429),
    # --- suspicious: pages only
    (facts(matched=(ODD,)), CHALLENGE, "suspicious", "odd", 503),
    (facts(matched=(rule("a", weight=60), rule("b", weight=40))), CHALLENGE, "suspicious", "a", 503),
    (facts(matched=(rule("a", weight=40), rule("b", weight=60))), CHALLENGE, "suspicious", "b", 503),
    (facts(matched=(rule("a", weight=60), rule("b", weight=39))), ADMIT, "admit", "", 0),
    (facts(matched=(ODD, rule("known", weight=-1))), ADMIT, "admit", "", 0),
    (facts(matched=(ODD,), page=PageKind.API), ADMIT, "admit", "", 0),
    (facts(matched=(rule("ask", action=CHALLENGE),)), CHALLENGE, "suspicious", "ask", 503),
    (facts(matched=(rule("ask", action=CHALLENGE),), page=PageKind.FEED), ADMIT, "admit", "", 0),
    # the worse the site stands, the less it takes
    (facts(matched=(rule("a", weight=50),), posture=Posture.CALM), ADMIT, "admit", "", 0),
    (facts(matched=(rule("a", weight=50),), posture=Posture.ELEVATED), CHALLENGE, "suspicious", "a", 503),
    (facts(matched=(rule("a", weight=40),), posture=Posture.UNDER_ATTACK), CHALLENGE, "suspicious", "a", 503),
    (facts(matched=(rule("a", weight=39),), posture=Posture.UNDER_ATTACK), ADMIT, "admit", "", 0),
    # --- saturated: newcomers who open a page show that they are people
    (facts(saturated=True), CHALLENGE, "saturated", "", 503),
    (facts(saturated=True, page=PageKind.ASSET), ADMIT, "admit", "", 0),
    (facts(saturated=True, clearance=CLEARANCE), ADMIT, "cleared", "clearance", 0),
]


@pytest.mark.parametrize(("given_facts", "action", "stage", "named", "status"), VERDICTS)
def test_the_first_opinion_wins(given_facts: Facts, action: Action, stage: str, named: str, status: int) -> None:
    """Each row is a promise of the house: who asks what gets which answer, from which stage, by which rule."""
    judgement = judge(POLICY, given_facts)
    verdict = judgement.verdict
    assert (verdict.action, verdict.stage, verdict.rule, verdict.status) == (action, stage, named, status)
    assert judgement.faults == ()


def test_every_stage_has_a_row() -> None:
    """No stage is without a promise in the table."""
    assert {stage for _, _, stage, _, _ in VERDICTS} == set(STAGE_NAMES)


def test_the_order_is_the_policy_of_the_house() -> None:
    """The order of the documentation is the order that is asked."""
    assert STAGE_NAMES == (
        "exempt",
        "banned",
        "malformed",
        "denied",
        "over_own_limit",
        "cleared",
        "tightened",
        "over_shared_limit",
        "suspicious",
        "saturated",
        "admit",
    )


@settings(max_examples=300)
@given(policies, any_facts)
def test_no_stage_raises(policy: Policy, given_facts: Facts) -> None:
    """Whatever the facts and however odd the policy, a stage has an opinion under its own name, or none."""
    for stage in STAGES:
        verdict = stage(policy, given_facts)
        assert verdict is None or isinstance(verdict, Verdict)
        if verdict is not None and given_facts.malformed is None:
            assert verdict.stage == stage.__name__


@given(policies, any_facts)
def test_a_challenge_is_only_for_people_who_look_at_a_page(policy: Policy, given_facts: Facts) -> None:
    """Nothing but a page is ever answered with a challenge, and a confirmed robot never is."""
    verdict = judge(policy, given_facts).verdict
    if verdict.action is CHALLENGE:
        assert given_facts.page is PageKind.PAGE
        assert given_facts.crawler is not Crawler.VERIFIED
        assert given_facts.clearance is None


@given(policies, any_facts)
def test_an_exemption_beats_everything_but_a_broken_message(policy: Policy, given_facts: Facts) -> None:
    """Who is exempt is admitted, banned or not, over limits or not, in any posture."""
    exempted = given_facts._replace(exempt="exempt.clients", malformed=None)
    assert judge(policy, exempted).verdict.action is ADMIT


@given(policies, any_facts)
def test_a_broken_message_is_never_admitted(policy: Policy, given_facts: Facts) -> None:
    """What the door could not read goes to the origin for nobody."""
    verdict = judge(policy, given_facts._replace(malformed=BROKEN)).verdict
    assert verdict.action in {REFUSE, DROP}


@given(policies, any_facts)
def test_a_crowds_limit_asks_newcomers_at_most_to_prove_themselves(policy: Policy, given_facts: Facts) -> None:
    """A limit that strangers share leads to a challenge, or to "later" where nobody sees one; never to more."""
    crowd = tuple(reading for reading in given_facts.readings if reading.limit.scope.collective)
    newcomer = given_facts._replace(
        exempt="", ban=None, malformed=None, matched=(), readings=crowd, clearance=None, saturated=False
    )
    verdict = judge(policy, newcomer).verdict
    assert verdict.action <= (CHALLENGE if may_challenge(newcomer) else THROTTLE)
    assert verdict.status in {0, 429, 503}


@given(policies, any_facts)
def test_a_crowds_limit_never_touches_the_cleared(policy: Policy, given_facts: Facts) -> None:
    """Whoever holds a clearance, or is a confirmed robot, gets the same verdict with and without the crowd's buckets."""
    cleared = given_facts._replace(clearance=CLEARANCE)
    own = tuple(reading for reading in given_facts.readings if not reading.limit.scope.collective)
    assert repr(judge(policy, cleared)) == repr(judge(policy, cleared._replace(readings=own)))
    robot = given_facts._replace(crawler=Crawler.VERIFIED)
    assert over_shared_limit(policy, robot._replace(readings=())) is None
    assert judge(policy, robot).verdict.action is not CHALLENGE


@given(policies, any_facts)
def test_one_more_overdrawn_bucket_never_softens_the_verdict(policy: Policy, given_facts: Facts) -> None:
    """A milder limit never replaces a stricter one: with every reading added the action stays or gets stricter."""
    before = ADMIT
    for count in range(len(given_facts.readings) + 1):
        some = given_facts._replace(readings=given_facts.readings[:count])
        after = judge(policy, some).verdict.action
        assert after >= before
        before = after


@pytest.mark.parametrize("collective", [True, False])
@given(given_facts=any_facts)
def test_the_strictest_overdrawn_bucket_is_found(collective: bool, given_facts: Facts) -> None:  # noqa: FBT001 - a parameter
    """Of the buckets of one kind the strictest that is overdrawn speaks, whichever order they stand in."""
    over = [each for each in given_facts.readings if each.over and each.limit.scope.collective is collective]
    found = strictest_overdrawn(given_facts, collective=collective)
    back = strictest_overdrawn(given_facts._replace(readings=given_facts.readings[::-1]), collective=collective)
    assert (found is None) is (back is None) is (not over)
    if found is not None and back is not None:
        assert found.limit.action is back.limit.action is max(each.limit.action for each in over)
        assert found.wait == back.wait == max(each.wait for each in over if each.limit.action is found.limit.action)


@pytest.mark.parametrize("page", PageKind)
@pytest.mark.parametrize("crawler", Crawler)
def test_every_reason_at_once_challenges_people_only(page: PageKind, crawler: Crawler) -> None:
    """With crowds overdrawn, suspicion high and the table full, the answer still fits who asks for what."""
    verdict = judge(POLICY, challenged_page(page, crawler)).verdict
    if crawler is Crawler.VERIFIED:
        assert verdict.action is ADMIT
    else:
        assert verdict.action is (CHALLENGE if page is PageKind.PAGE else THROTTLE)


def test_a_robot_is_not_challenged_even_if_nobody_asks_who_is_cleared() -> None:
    """Were the stage of the cleared to fail, a confirmed robot would be told to come later, not shown a puzzle."""
    others = tuple(stage for stage in STAGES if stage.__name__ != "cleared")
    verdict = judge(POLICY, challenged_page(PageKind.PAGE, Crawler.VERIFIED), others).verdict
    assert verdict.action is THROTTLE


def test_a_threshold_of_zero_challenges_every_newcomer() -> None:
    """An operator who writes 0 for under_attack means everybody who opens a page, suspicious or not."""
    policy = Policy(challenge=ChallengePolicy(suspicion=((Posture.UNDER_ATTACK, 0),)))
    attacked = facts(posture=Posture.UNDER_ATTACK)
    assert judge(policy, attacked).verdict.action is CHALLENGE
    assert judge(policy, attacked._replace(clearance=CLEARANCE)).verdict.action is ADMIT
    assert judge(policy, attacked._replace(posture=Posture.CALM)).verdict.action is ADMIT


WAITS = [
    (facts(ban=BAN), 60.0),
    (facts(readings=(overdrawn(OWN, 0.25),)), 0.25),
    (facts(readings=(overdrawn(OWN, 0.25), overdrawn(OWN, 4.0))), 4.0),
    (facts(readings=(overdrawn(CROWD, 0.25),), page=PageKind.API), RETRY_SOON),
    (facts(readings=(overdrawn(CROWD, 90.0),), page=PageKind.API), 90.0),
    (facts(matched=(rule("later", action=THROTTLE),)), 60.0),
    (facts(matched=(rule("no", action=REFUSE),)), 0.0),
    (facts(), 0.0),
]


@pytest.mark.parametrize(("given_facts", "wait"), WAITS)
def test_a_verdict_says_when_to_come_back(given_facts: Facts, wait: float) -> None:
    """The wait is that of the bucket or the ban; 0 where waiting does not help."""
    assert judge(POLICY, given_facts).verdict.wait == pytest.approx(wait)


def test_reasons_are_words_for_people_strongest_first() -> None:
    """A visitor and an operator read why, and the weightiest reason comes first."""
    light, heavy = rule("light", weight=40), rule("heavy", weight=80)
    assert judge(POLICY, facts(matched=(light, heavy))).verdict.reasons == ("heavy", "light")
    assert judge(POLICY, facts(ban=BAN)).verdict.reasons == ("flood",)
    assert judge(POLICY, facts(malformed=BROKEN)).verdict.reasons == ("two Host headers",)
    assert judge(POLICY, facts(readings=(overdrawn(OWN),))).verdict.reasons == ("more than 10 requests a second",)
    named, plain = rule("no", action=REFUSE, why="scrapes prices"), rule("no", action=REFUSE)
    assert judge(POLICY, facts(matched=(named,))).verdict.reasons == ("scrapes prices",)
    assert judge(POLICY, facts(matched=(plain,))).verdict.reasons == ("no",)


@given(any_facts)
def test_suspicion_is_recorded_also_of_the_admitted(given_facts: Facts) -> None:
    """The sum of weights stands in the verdict that admits, and is never below zero."""
    total = max(0, sum(matched.weight for matched in given_facts.matched))
    assert suspicion(given_facts) == total
    plain = given_facts._replace(
        exempt="", ban=None, malformed=None, readings=(), clearance=None, crawler=Crawler.NONE, page=PageKind.API
    )
    if all(matched.action is None for matched in plain.matched):
        assert judge(POLICY, plain).verdict == Verdict(ADMIT, "admit", suspicion=total)


def test_every_action_that_is_no_admission_has_a_status() -> None:
    """A client is never left without a number that says what happened."""
    assert set(STATUS) == set(Action) - {ADMIT}
    for scope in Scope:
        assert all(action in STATUS for action in allowed_actions(scope))


def test_an_audit_says_so_and_leaves_suspects_to_their_stage() -> None:
    """Its records are told apart by the rule; who would be challenged anyway is none whom nobody suspects."""
    audited = facts(tightening=Tightening.AUDIT)
    found = tightened(Policy(), audited)
    assert found is not None
    assert (found.action, found.rule) == (Action.CHALLENGE, "audit")
    assert "chosen by chance" in found.reasons[0]
    heavy = rule("heavy", weight=1_000)
    assert tightened(Policy(rules=(heavy,)), audited._replace(matched=(heavy,))) is None
    assert tightened(Policy(), audited._replace(saturated=True)) is None
    assert tightened(Policy(), audited._replace(page=PageKind.FEED)) is None
