"""Changes: each request counts once for each way of looking at it, within bounds."""

from __future__ import annotations

from array import array

import pytest

from shieldproxy.app.replay import changes as module
from shieldproxy.app.replay.blocks import Ask, Block
from shieldproxy.app.replay.callers import Caller, Session
from shieldproxy.app.replay.changes import KINDS, Changes, hurt
from shieldproxy.core.verdict import Action
from tests.scenes import visitor

PAGE = Ask("GET", "", "/", "1.1")


def count(changes: Changes, who: Caller, before: Action, after: Action) -> None:
    """Let one request of ``who`` change."""
    block = Block([who.key], [PAGE], array("d", [1_000.0]), array("H", [0]), array("H", [0]), b"\0", b"\0")
    changes.compare(block, [who], bytes((before,)), bytes((after,)), ["x"])


def caller(address: str = "192.0.2.1", *, passes: bool = False) -> Caller:
    session = Session(robot=False, tame=False)
    session.passes = passes
    return Caller(visitor(address), "Firefox", session)


@pytest.mark.parametrize("before", list(Action))
@pytest.mark.parametrize("after", list(Action))
def test_every_pair_of_actions_is_one_kind_or_none(before: Action, after: Action) -> None:
    """Equal is no change, stricter is named by what would newly happen, milder is released or eased."""
    changes = Changes()
    count(changes, caller(), before, after)
    found = [kind for kind in KINDS if changes.requests[kind]]
    if before is after:
        assert found == []
    elif after > before:
        assert found == [module.WORSE[after]]
    else:
        assert found == ["released" if after is Action.ADMIT else "eased"]


def test_only_what_gets_worse_hurts() -> None:
    """Who is let go is not hurt."""
    changes = Changes()
    good, better, stranger = caller(passes=True), caller(passes=True), caller()
    count(changes, good, Action.ADMIT, Action.THROTTLE)
    count(changes, better, Action.THROTTLE, Action.ADMIT)
    count(changes, stranger, Action.ADMIT, Action.DROP)
    found = hurt([one.session for one in (good, better, stranger)])
    assert (found["people"], found["people_hurt"], found["share"]) == (2, 1, 0.5)
    assert hurt([])["share"] == 0.0


def test_keys_beyond_the_bound_are_counted_as_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sum stays exact."""
    monkeypatch.setattr(module, "MOST_KEYS", 3)
    changes = Changes()
    for number in range(10):
        count(changes, caller(f"192.0.2.{number}"), Action.ADMIT, Action.DROP)
    rows = changes.heaviest("address", 10)
    assert len(rows) == 4
    assert sum(row["banned"] for row in rows) == 10
    assert {row["key"] for row in rows} >= {module.OTHERS}
