"""The judge: always a verdict, whatever its stages do, and never silent about a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.facts import Facts
from shieldproxy.core.judge import LONGEST_FAULT, Fault, Judgement, judge
from shieldproxy.core.ladder import Ban
from shieldproxy.core.policy import Policy
from shieldproxy.core.stages import STAGES
from shieldproxy.core.verdict import Action, Verdict
from tests.scenes import facts
from tests.strategies import facts as any_facts
from tests.strategies import policies

if TYPE_CHECKING:
    from shieldproxy.core.stages import Stage

POLICY = Policy()
REFUSED = Verdict(Action.REFUSE, "firm", "rule", 0.0, 403)


class UnspeakableError(Exception):
    """An error that cannot even say what it is."""

    def __repr__(self) -> str:
        raise ValueError("no words")


def raising(error: Exception) -> Stage:
    """Return a stage that raises ``error``."""

    def broken(policy: Policy, facts: Facts) -> Verdict | None:
        raise error

    return broken


def silent(policy: Policy, facts: Facts) -> Verdict | None:
    """Have no opinion."""
    return None


def firm(policy: Policy, facts: Facts) -> Verdict | None:
    """Refuse everybody."""
    return REFUSED


ERRORS = [ValueError("odd"), KeyError("x"), ZeroDivisionError(), RecursionError(), MemoryError(), StopIteration()]


@pytest.mark.parametrize("error", [*ERRORS, UnspeakableError()], ids=lambda error: type(error).__name__)
def test_a_stage_that_raises_has_no_opinion(error: Exception) -> None:
    """The others judge, and the fault is reported with the name of the stage."""
    judgement = judge(POLICY, facts(), (silent, raising(error), firm))
    assert judgement.verdict == REFUSED
    assert [fault.stage for fault in judgement.faults] == ["broken"]


def test_a_fault_says_what_was_raised() -> None:
    """The operator reads the error as Python writes it, or its type where it cannot be written."""
    assert judge(POLICY, facts(), (raising(ValueError("odd")),)).faults == (Fault("broken", "ValueError('odd')"),)
    assert judge(POLICY, facts(), (raising(UnspeakableError()),)).faults == (Fault("broken", "UnspeakableError"),)


def test_a_fault_is_no_longer_than_a_line() -> None:
    """What a client sent may stand in an error; a log line takes only its beginning."""
    judgement = judge(POLICY, facts(), (raising(ValueError("x" * 100_000)),))
    assert len(judgement.faults[0].error) == LONGEST_FAULT


def test_a_broken_shield_does_not_close_the_site() -> None:
    """When every stage raises the request is admitted, and every fault is reported."""
    judgement = judge(POLICY, facts(), tuple(raising(error) for error in ERRORS))
    assert judgement.verdict.action is Action.ADMIT
    assert len(judgement.faults) == len(ERRORS)


def test_without_opinions_a_request_is_admitted() -> None:
    """Nobody asked, nobody objected."""
    assert judge(POLICY, facts(), ()).verdict == judge(POLICY, facts(), (silent,)).verdict
    assert judge(POLICY, facts(), ()).verdict.action is Action.ADMIT


def test_the_first_opinion_ends_the_asking() -> None:
    """Later stages are not asked, so they can neither soften nor harden nor fail."""
    assert judge(POLICY, facts(), (firm, raising(ValueError()))) == Judgement(REFUSED)


def test_a_stage_without_a_name_is_reported_too() -> None:
    """A callable object that raises is a fault like any other."""

    class Nameless:
        def __call__(self, policy: Policy, facts: Facts) -> Verdict | None:
            raise ValueError

    assert judge(POLICY, facts(), (Nameless(),)).faults == (Fault("stage", "ValueError()"),)


def test_who_interrupts_the_program_interrupts_it() -> None:
    """A judge swallows errors, not the operator's Ctrl-C."""

    def interrupted(policy: Policy, facts: Facts) -> Verdict | None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge(POLICY, facts(), (interrupted,))


@given(policies, any_facts, st.sets(st.integers(0, len(STAGES) - 1)))
def test_the_judge_is_total(policy: Policy, given_facts: Facts, broken: set[int]) -> None:
    """Whichever stages fail, on any facts and policy, there is a verdict, and no fault is lost or made up."""
    stages = tuple(raising(ValueError()) if place in broken else stage for place, stage in enumerate(STAGES))
    judgement = judge(policy, given_facts, stages)
    assert isinstance(judgement.verdict, Verdict)
    named = [stage.__name__ for stage in stages]
    asked = len(stages)
    if judgement.verdict.stage in named:
        asked = named.index(judgement.verdict.stage)
    assert len(judgement.faults) <= len(broken)
    if given_facts.malformed is None:
        assert len(judgement.faults) == sum(place < asked for place in broken)


@given(policies, any_facts)
def test_judging_twice_says_the_same(policy: Policy, given_facts: Facts) -> None:
    """The same facts under the same policy get the same verdict: last month's log can be judged again."""
    assert repr(judge(policy, given_facts)) == repr(judge(policy, given_facts))
    assert judge(policy, given_facts).faults == ()


def test_a_ban_that_cannot_be_read_is_a_fault_and_no_ban() -> None:
    """A ban whose end is no number: the stage of the banned fails, says so, and the others judge."""
    damaged = facts(ban=Ban("192.0.2.1", "soon", "flood"))  # type: ignore[arg-type]  # the damage
    judgement = judge(POLICY, damaged)
    assert judgement.verdict.action is Action.ADMIT
    assert [fault.stage for fault in judgement.faults] == ["banned"]
