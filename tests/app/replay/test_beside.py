"""Beside: another process says what this one would have said."""

from __future__ import annotations

import os
from array import array

import pytest

from shieldproxy.app.replay.beside import actions
from shieldproxy.app.replay.blocks import Ask, Block, Tape
from shieldproxy.app.replay.callers import Callers
from shieldproxy.app.replay.quick import QuickLane
from shieldproxy.core.buckets import Limit, Scope
from shieldproxy.core.facts import Crawler
from shieldproxy.core.policy import BanPolicy, Policy
from shieldproxy.core.verdict import Action
from shieldproxy.settings.schema import Posture
from tests.fakes.networks import TableNetworks


def lane() -> QuickLane:
    limit = Limit("client", Scope.CLIENT, 1.0, 2.0, Action.THROTTLE)
    return QuickLane(
        Policy(limits=(limit,), bans=BanPolicy(floods=3)),
        Posture(),
        own_path="/own",
        recognise=lambda _label, _agent: Crawler.NONE,
        class_of=lambda _asn: "other",
        slots=1_024,
    )


@pytest.fixture
def tape() -> Tape:
    """Return two blocks of one client that floods."""
    found = Tape()
    for start in (1_000, 1_001):
        moments = array("d", [start + number / 10 for number in range(10)])
        numbers = array("H", [0] * 10)
        found.write(
            Block([("192.0.2.1", "x")], [Ask("GET", "", "/", "1.1")], moments, numbers, numbers, bytes(10), bytes(10))
        )
    return found


def callers() -> Callers:
    return Callers(TableNetworks({}), lambda _label, _agent: Crawler.NONE)


def test_both_ways_say_the_same(tape: Tape) -> None:
    """Each block, and the bans that are counted at the end."""
    here, there = lane(), lane()
    expected = [bytes(one) for one in actions(here, tape, callers(), apart=False)]
    assert [bytes(one) for one in actions(there, tape, callers(), apart=True)] == expected
    assert here.bans == there.bans > 0
    assert {*b"".join(expected)} == {Action.ADMIT, Action.THROTTLE, Action.DROP}
    tape.close()


def test_a_process_that_dies_is_no_answer(tape: Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a comparison is never shown as a whole one."""
    monkeypatch.setattr(QuickLane, "judge_block", lambda *_: os._exit(3))
    with pytest.raises(RuntimeError, match="died"):
        list(actions(lane(), tape, callers(), apart=True))
    tape.close()
