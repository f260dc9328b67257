"""Courses: a way once gone is found again, and answers already given are not asked for twice."""

from __future__ import annotations

import pytest

from shieldproxy.app.replay.courses import Asked, End, Step, Tables, Way, grown
from shieldproxy.core.facts import Tightening
from shieldproxy.core.verdict import Action, Verdict
from tests.fakes.bans import DictBans
from tests.fakes.buckets import DictBuckets
from tests.fakes.situation import SetSituation
from tests.scenes import facts


def end(code: int) -> End:
    return End(facts(), Verdict(Action.ADMIT, "admit"), deed=1, code=code, faulty=False)


def step(place: int = 1, kind: Asked = Asked.BUCKET) -> Step:
    return Step(kind, place, 1.0, 5.0)


def test_each_answer_leads_its_own_way() -> None:
    """Overdrawn, within and untouched; marked or not."""
    root = grown(None, [step(), step(2)], [1.0, -1.0], end(1))
    root = grown(root, [step(), step(2)], [1.0, 2.0], end(2))
    root = grown(root, [step()], [-1.0], end(3))
    root = grown(root, [step(), step(3, Asked.MARKS)], [5.0, Tightening.NETWORK], end(4))
    assert isinstance(root, Step)

    def follow(*answers: object) -> int:
        way: Way = root
        for answer in answers:
            assert isinstance(way, Step)
            way = way.after(answer)
        assert isinstance(way, End)
        return way.code

    assert [follow(1.0, -0.5), follow(0.0, 0.0), follow(-9.0), follow(7.0, Tightening.NETWORK)] == [1, 2, 3, 4]
    unknown = root.after(6.0)
    assert isinstance(unknown, Step)
    assert unknown.after(Tightening.NONE) is None


def test_a_guard_that_sees_more_than_sight_is_noticed() -> None:
    """Two requests that look alike and are asked about differently: no replay would be right, so there is none."""
    root = grown(None, [step()], [1.0], end(1))
    with pytest.raises(RuntimeError, match="look the same"):
        grown(root, [step(2)], [1.0], end(2))


def test_answers_already_given_are_not_asked_again() -> None:
    """A bucket is charged once, also for a request that is judged anew half way."""
    buckets = DictBuckets()
    tables = Tables(buckets, DictBans(), SetSituation(), ["path"])
    slots = [0, buckets.slot("client", "a"), buckets.slot("client", "b")]
    tables.begin(slots, [None, 3.5])
    assert tables.find("192.0.2.1", "192.0.2.1", 1_000.0) is None
    assert tables.charge(1, 1.0, 5.0, 1_000.0) == 3.5
    assert tables.charge(2, 1.0, 5.0, 1_000.0) == 4.0
    assert tables.charge(tables.slot("path", "/x"), 1.0, 5.0, 1_000.0) == 4.0
    assert [one.kind for one in tables.steps] == [Asked.BANS, Asked.BUCKET, Asked.BUCKET, Asked.NAMED]
    assert tables.answers == [None, 3.5, 4.0, 4.0]
    assert buckets.charge(slots[1], 1.0, 5.0, 1_000.0) == 4.0  # nothing had been taken from it
