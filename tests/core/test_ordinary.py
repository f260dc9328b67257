"""The ordinary request: a shorter way to what the stages say, never to anything else."""

from __future__ import annotations

import pytest
from hypothesis import given

from shieldproxy.core.buckets import Reading
from shieldproxy.core.facts import Crawler, Facts, Malformed, Posture, Tightening
from shieldproxy.core.judge import judge
from shieldproxy.core.ladder import Ban
from shieldproxy.core.ordinary import ordinary
from shieldproxy.core.policy import ChallengePolicy, Policy
from shieldproxy.core.stages import ADMITTED, CRAWLER, STAGES
from shieldproxy.core.verdict import Verdict
from tests.scenes import facts, limit, overdrawn, rule
from tests.strategies import facts as any_facts
from tests.strategies import policies


def asked_one_by_one(policy: Policy, given_facts: Facts) -> Verdict:
    """Return what the stages say when nothing is taken for ordinary."""
    return judge(policy, given_facts, STAGES[:1] + STAGES[1:]).verdict


@given(policies, any_facts)
def test_what_is_taken_for_ordinary_is_what_the_stages_say(policy: Policy, given_facts: Facts) -> None:
    """Under any policy, for any facts: the short way ends where the long one does, or is not taken."""
    short = ordinary(policy, given_facts)
    assert short is None or short == asked_one_by_one(policy, given_facts)
    assert judge(policy, given_facts).verdict == asked_one_by_one(policy, given_facts)


@pytest.mark.parametrize("posture", Posture)
def test_a_person_who_does_nothing_odd_is_ordinary(posture: Posture) -> None:
    """In every posture: within all limits and matched by no rule, the short way is taken."""
    within = (Reading(limit(), 0.0), Reading(limit("asn"), 3.0))
    assert ordinary(Policy(), facts(readings=within, posture=posture)) == ADMITTED
    assert ordinary(Policy(), facts(crawler=Crawler.VERIFIED, posture=posture)) == CRAWLER


@pytest.mark.parametrize(
    "odd",
    [
        facts(exempt="exempt.clients"),
        facts(ban=Ban("192.0.2.1", 1e9, "flood")),
        facts(malformed=Malformed(400, "odd")),
        facts(matched=(rule("tools", weight=30),)),
        facts(readings=(overdrawn(limit()),)),
        facts(saturated=True),
        facts(tightening=Tightening.SAMPLE),
        facts(tightening=Tightening.AUDIT),
    ],
    ids=["exempt", "banned", "malformed", "matched", "overdrawn", "saturated", "tightened", "audited"],
)
def test_whatever_speaks_for_or_against_somebody_is_left_to_the_stages(odd: Facts) -> None:
    """One reason suffices."""
    assert ordinary(Policy(), odd) is None


def test_where_every_newcomer_is_challenged_none_is_ordinary() -> None:
    """A threshold of 0 is reached by whoever did nothing."""
    everybody = Policy(challenge=ChallengePolicy(suspicion=((Posture.CALM, 0),)))
    assert ordinary(everybody, facts()) is None
    assert ordinary(everybody, facts(posture=Posture.ELEVATED)) == ADMITTED
