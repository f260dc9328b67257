"""Observing: an opinion is written down and decides nothing, whatever else is decided."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.buckets import Reading, Scope
from shieldproxy.core.facts import Facts
from shieldproxy.core.judge import judge
from shieldproxy.core.observing import WOULD, consider, watches
from shieldproxy.core.policy import Policy
from shieldproxy.core.rules import Rule, lot
from shieldproxy.core.verdict import Action
from tests.scenes import CLEARANCE, facts, limit, overdrawn, rule

OBSERVED = limit("new")._replace(observed=True)
CROWD = limit("crowd", Scope.ASN)._replace(observed=True)
POLICY = Policy()


def observed(name: str, action: Action | None = None, weight: int = 0) -> Rule:
    return rule(name, action=action, weight=weight)._replace(observed=True)


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (facts(readings=(overdrawn(OBSERVED),)), ("would throttle: limits.new",)),
        (facts(readings=(Reading(OBSERVED, 1.0),)), ()),
        (facts(readings=(overdrawn(CROWD),)), ("would challenge: limits.crowd",)),
        (facts(readings=(overdrawn(CROWD),), clearance=CLEARANCE), ()),
        (facts(matched=(observed("bad", Action.DROP),)), ("would drop: rules.bad",)),
        (facts(matched=(observed("odd", weight=100),)), ("would challenge: rules.odd",)),
        (facts(matched=(observed("odd", weight=99),)), ()),
        (facts(matched=(observed("bad", Action.DROP),), exempt="exempt.clients"), ()),
    ],
)
def test_what_would_have_been_done_is_a_reason(seen: Facts, words: tuple[str, ...]) -> None:
    """The request is admitted all the same; what would not have changed anything is not said."""
    verdict = consider(POLICY, seen).verdict
    assert (verdict.action, verdict.reasons) == (Action.ADMIT, words)


def test_a_milder_opinion_is_written_down_too() -> None:
    """A new exemption is tried the same way: who is refused would have been admitted."""
    seen = facts(matched=(rule("bad", action=Action.REFUSE), observed("friends", Action.ADMIT)))
    verdict = consider(POLICY, seen).verdict
    assert (verdict.action, verdict.rule) == (Action.REFUSE, "bad")
    assert verdict.reasons[-1] == "would admit: rules.friends"


ACTIONS = st.sampled_from([*Action, None])
RULES = st.lists(
    st.builds(
        lambda number, action, weight, watched: Rule(f"r{number}", rule("x").when, action, weight, "", watched),
        st.integers(0, 1_000),
        ACTIONS,
        st.integers(-50, 120),
        st.booleans(),
    ),
    max_size=5,
    unique_by=lambda one: one.name,
)
READINGS = st.lists(
    st.builds(
        lambda scope, slack, watched: Reading(limit(f"l-{scope}", scope)._replace(observed=watched), slack),
        st.sampled_from([Scope.CLIENT, Scope.ASN, Scope.SITE]),
        st.floats(-5, 5),
        st.booleans(),
    ),
    max_size=4,
)


@given(RULES, READINGS)
def test_what_observes_never_decides(rules: list[Rule], readings: list[Reading]) -> None:
    """Whatever matches, the verdict is the one without all that only observes; only words are added."""
    seen = facts(matched=tuple(rules), readings=tuple(readings))
    without = seen._replace(
        matched=tuple(one for one in rules if not one.observed),
        readings=tuple(one for one in readings if not one.limit.observed),
    )
    found, decided = consider(POLICY, seen).verdict, judge(POLICY, without).verdict
    added = found.reasons[len(decided.reasons) :]
    assert found._replace(reasons=decided.reasons) == decided
    assert found.reasons[: len(decided.reasons)] == decided.reasons
    assert all(word.startswith(WOULD) for word in added)


@given(RULES)
def test_a_policy_that_observes_nothing_is_judged_as_ever(rules: list[Rule]) -> None:
    """Nothing is asked twice, nothing is added."""
    acting = tuple(one._replace(observed=False) for one in rules)
    seen = facts(matched=acting)
    assert not watches(Policy(rules=acting))
    assert consider(POLICY, seen) == judge(POLICY, seen)


def test_a_share_of_clients_meets_a_new_rule_and_always_the_same() -> None:
    """A twentieth of the clients is one in twenty, told apart by their name; for the others it observes."""
    canary = rule("canary", action=Action.REFUSE)._replace(enforce_share=0.05)
    clients = [f"192.0.2.{number % 256}/{number}" for number in range(4_000)]
    met = [client for client in clients if canary.acts_on(client)]
    assert 0.035 < len(met) / len(clients) < 0.065
    assert met == [client for client in clients if canary.acts_on(client)]
    seen = facts(matched=(canary,))
    for client, action in ((met[0], Action.REFUSE), (next(one for one in clients if one not in met), Action.ADMIT)):
        verdict = consider(POLICY, seen._replace(visitor=seen.visitor._replace(client=client))).verdict
        assert verdict.action is action
        assert ("would refuse: rules.canary" in verdict.reasons) is (action is Action.ADMIT)


def test_a_larger_share_takes_in_the_smaller() -> None:
    """Whoever met a rule at a twentieth meets it at a half: widening it changes nothing for them."""
    assert all(0.0 <= lot("a", str(number)) < 1.0 for number in range(100))
    assert lot("a", "192.0.2.1") != lot("b", "192.0.2.1")


def test_a_policy_says_whether_anything_observes() -> None:
    """So that all others cost nothing more."""
    assert watches(Policy(limits=(OBSERVED,)))
    assert watches(Policy(rules=(rule("a")._replace(enforce_share=0.5),)))
    assert not watches(Policy(limits=(limit(),), rules=(rule("a"),)))
