"""Decisions: what is admitted, and what only looks like it."""

from __future__ import annotations

import pytest

from shieldproxy.core.policy import Policy
from shieldproxy.core.verdict import Action, Side, Verdict
from shieldproxy.guard.decisions import Decision, Outcome
from shieldproxy.guard.visits import Peer, visit
from tests.fakes.buckets import DictBuckets
from tests.scenes import facts, visitor


def decided(action: Action, *, enforced: bool) -> Decision:
    """Return a decision to do ``action``."""
    known = visit(Policy(), visitor(), DictBuckets(), 0)
    return Decision("id-1", Peer("192.0.2.1"), known, facts(), Verdict(action, "admit"), enforced)


@pytest.mark.parametrize("action", Action)
def test_admitted_is_what_goes_on(action: Action) -> None:
    """Enforced, only what is admitted; observed, everything."""
    assert decided(action, enforced=True).admitted is (action is Action.ADMIT)
    assert decided(action, enforced=False).admitted


def test_an_outcome_is_nobodys_fault_by_default() -> None:
    """Whoever writes down an error says whose it is."""
    assert Outcome(200).side is Side.NONE
    assert Outcome(200).challenge == ""
