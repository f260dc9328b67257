"""Repeats: when a refusal may be given again, and what its record says."""

from __future__ import annotations

import pytest

from shieldproxy.core.buckets import Limit, Reading, Scope
from shieldproxy.core.clearance import Clearance, Kind
from shieldproxy.core.facts import Crawler, NetworkLabel
from shieldproxy.core.judge import judge
from shieldproxy.core.policy import Policy
from shieldproxy.core.rules import Condition, Rule, compile_globs
from shieldproxy.core.verdict import Action
from shieldproxy.guard.decisions import Decision, Outcome
from shieldproxy.guard.recording import Draft
from shieldproxy.guard.repeats import Repeated, repeatable
from shieldproxy.guard.visits import Peer, visit
from tests.fakes.buckets import DictBuckets
from tests.scenes import facts, limit, visitor

OWN = limit("client", rate=1.0, burst=5.0)
LOGIN = limit("login", match=Condition(path=compile_globs(("/login",))))
PLACE = Rule("place", Condition(path=compile_globs(("/x",))), Action.REFUSE)
AGENT = Rule("agent", Condition(user_agent=compile_globs(("x*",))), None, 10)


def draft(*limits: Limit, rules: tuple[Rule, ...] = (), over: Limit = OWN, **given: object) -> Draft:
    """Return the draft of a request over the limit ``over``."""
    policy = Policy(limits=limits or (OWN,), rules=rules, digest="p")
    known = visit(policy, visitor(label=NetworkLabel(asn=64500)), DictBuckets(), 1)
    seen = facts(visitor=known.visitor, readings=(Reading(over, -2.5),), **given)
    decision = Decision("id-1", Peer("192.0.2.1"), known, seen, judge(policy, seen).verdict, enforced=True)
    return Draft(decision, Outcome(429, 0, 100), 0.0, "node", "geo")


def test_a_newcomers_own_limit_may_be_repeated() -> None:
    """The bucket, the wait that was told and what records are summed by are remembered."""
    known = repeatable(draft(OWN, limit("asn", Scope.ASN), rules=(AGENT,)))
    assert known is not None
    assert known.charge.limit is OWN
    assert known.seconds == 3
    assert known.alike == known.draft.alike()


@pytest.mark.parametrize(
    "other",
    [
        draft(OWN, LOGIN),
        draft(rules=(PLACE,)),
        draft(limit("asn", Scope.ASN), over=limit("asn", Scope.ASN)),
        draft(limit("client", action=Action.REFUSE), over=limit("client", action=Action.REFUSE)),
        draft(clearance=Clearance("00" * 8, Kind.WORK, 2_000_000_000, 1)),
        draft(crawler=Crawler.IMPOSTOR),
        draft(exempt="exempt.clients"),
    ],
    ids=[
        "a limit on a place",
        "a rule on a place",
        "a shared limit",
        "a refusal",
        "a clearance",
        "a robot's name",
        "exempt",
    ],
)
def test_whatever_could_be_judged_otherwise_is_judged(other: Draft) -> None:
    """Where path, clearance or name could change the verdict, nothing is repeated."""
    assert repeatable(other) is None


def test_an_observed_refusal_is_not_repeated() -> None:
    """What was let through was not refused."""
    observed = draft()
    assert repeatable(observed._replace(decision=observed.decision._replace(enforced=False))) is None


def test_the_record_of_a_repeated_refusal_is_its_own() -> None:
    """ID, path, moment, wait and bucket are those of the later request; the rest is the same."""
    known = repeatable(draft())
    assert known is not None
    again = Repeated(known, "id-9", b"/a?b=c", 1_800_000_000.5, 1.25, 7)
    record, first = again.record(), known.draft.record()
    assert (record.id, record.path, record.query, record.retry_after) == ("id-9", "/a", "b=c", 1.25)
    assert (record.ts, record.duration_us, record.buckets) == ("2027-01-15T08:00:00.500000Z", 7, (("client", -1.25),))
    assert again.alike() == record.alike() == first.alike()
    assert record.client == first.client
    assert again.weight == record.weight == 1
