"""The named tables an operator writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shieldproxy.core.buckets import Limit, Scope
from shieldproxy.core.policy import allowed_actions
from shieldproxy.core.rules import Condition, Rule
from shieldproxy.core.verdict import ACTIONS, Action
from shieldproxy.settings.limits import MOST_LIMITS, MOST_RULES, limits, rules
from shieldproxy.settings.tables import Desk, written
from shieldproxy.settings.values import Wrong


def test_a_limit_that_says_all_is_read() -> None:
    """Every key has its place in the judge's limit."""
    desk = Desk(Path())
    table = {"scope": "client", "rate": 2, "burst": 7, "action": "refuse", "match": {"methods": "POST"}}

    assert limits(desk, {"a": table}, ()) == {
        "a": Limit("a", Scope.CLIENT, 2.0, 7.0, Action.REFUSE, Condition(method=frozenset(("POST",))))
    }
    assert desk.faults == []


@pytest.mark.parametrize(("rate", "burst"), [(10, 50.0), (0.1, 1.0), (0.2, 1.0), (1, 5.0)])
def test_a_burst_nobody_gave_is_five_seconds_of_the_rate(rate: float, burst: float) -> None:
    """At least one request always passes."""
    assert limits(Desk(Path()), {"a": {"scope": "client", "rate": rate}}, ())["a"].burst == burst


@pytest.mark.parametrize("scope", list(Scope))
def test_the_usual_action_is_one_the_scope_may_ask_for(scope: Scope) -> None:
    """Collective limits challenge, individual ones throttle."""
    desk = Desk(Path())
    read = limits(desk, {"a": {"scope": str(scope), "rate": 1}}, ())["a"]

    assert read.action is (Action.CHALLENGE if scope.collective else Action.THROTTLE)
    assert read.action in allowed_actions(scope)
    assert desk.faults == []


@pytest.mark.parametrize("scope", list(Scope))
@pytest.mark.parametrize("word", ACTIONS)
def test_an_action_is_taken_exactly_where_the_judge_allows_it(scope: Scope, word: str) -> None:
    """What strangers share may only challenge; nobody limits by dropping or admitting."""
    desk = Desk(Path())
    limits(desk, {"a": {"scope": str(scope), "rate": 1, "action": word}}, ())
    allowed = ACTIONS[word] in allowed_actions(scope)

    assert [written(fault.trail) for fault in desk.faults] == ([] if allowed else ["a.action"])


def test_an_action_is_not_judged_by_a_scope_that_is_wrong() -> None:
    """One mistake is told once."""
    desk = Desk(Path())
    limits(desk, {"a": {"scope": "nobody", "rate": 1, "action": "refuse"}}, ())

    assert [written(fault.trail) for fault in desk.faults] == ["a.scope"]


def test_one_limit_that_is_wrong_hides_no_other() -> None:
    """All limits are looked at."""
    desk = Desk(Path())
    read = limits(desk, {"b": {"scope": "client", "rate": 0}, "a": 5, "c": {"scope": "site", "rate": 1}}, ("limits",))

    assert [written(fault.trail) for fault in desk.faults] == ["limits.a", "limits.b.rate"]
    assert "c" in read


@pytest.mark.parametrize("name", ["Client", "a b", "", "-a", "a.b", "ä", "a" * 65])
def test_names_of_limits_stand_in_records(name: str) -> None:
    """A name is a word that needs no quotes anywhere."""
    desk = Desk(Path())
    limits(desk, {name: {"scope": "client", "rate": 1}}, ())

    assert [fault.trail for fault in desk.faults] == [(name,)]


def test_there_are_not_more_limits_and_rules_than_a_request_can_ask() -> None:
    """The number of limits and of rules is bounded."""
    desk = Desk(Path())
    limits(desk, {f"l{number}": {"scope": "client", "rate": 1} for number in range(MOST_LIMITS + 1)}, ("limits",))
    rules(desk, [rule(name=f"r{number}") for number in range(MOST_RULES + 1)], ("rules",))

    assert [fault.trail for fault in desk.faults] == [("limits",), ("rules",)]


def rule(**keys: Any) -> dict[str, Any]:
    """Return a rule that is right, with some keys otherwise; None takes one away."""
    table = {"name": "one", "when": {"asn": 1}, "weight": 5} | keys
    return {key: value for key, value in table.items() if value is not None}


def test_rules_are_read_in_their_order() -> None:
    """A weight or an action, and what to say to people."""
    desk = Desk(Path())
    read = rules(desk, [rule(why="because"), rule(name="two", weight=None, action="admit")], ())

    assert read == (
        Rule("one", Condition(asn=frozenset((1,))), None, 5, "because"),
        Rule("two", Condition(asn=frozenset((1,))), Action.ADMIT, 0, ""),
    )
    assert desk.faults == []


@pytest.mark.parametrize(
    ("table", "wrong"),
    [
        (rule(name=None), "[1].name"),
        (rule(name="a_b"), "[1].name"),
        (rule(name=5), "[1].name"),
        (rule(when=None), "[1].when"),
        (rule(when={}), "[1].when"),
        (rule(when=5), "[1].when"),
        (rule(weight=None), "[1]"),
        (rule(action="drop"), "[1].weight"),
        (rule(weight=1.5), "[1].weight"),
        (rule(weight=-1001), "[1].weight"),
        (rule(weight=None, action="ban"), "[1].action"),
        (rule(why="x" * 201), "[1].why"),
        (rule(then="x"), "[1].then"),
        (5, "[1]"),
    ],
)
def test_each_fault_of_a_rule_is_told_once(table: object, wrong: str) -> None:
    """Missing, doubled and wrong keys, each at its place."""
    desk = Desk(Path())
    rules(desk, [table], ())

    assert [written(fault.trail) for fault in desk.faults] == [wrong]


def test_a_name_is_for_one_rule() -> None:
    """The second of two rules of one name is the fault; two nameless rules are not alike."""
    desk = Desk(Path())
    rules(desk, [rule(), rule(), rule(name=None), rule(name=None)], ())

    assert [written(fault.trail) for fault in desk.faults] == ["[2].name", "[3].name", "[4].name"]


def test_rules_are_a_list() -> None:
    """[rules] instead of [[rules]] is told."""
    with pytest.raises(Wrong, match=r"allowed: tables that begin with \[\[rules\]\]"):
        rules(Desk(Path()), {}, ())


def test_limits_and_rules_may_only_observe() -> None:
    """The mode of one limit or rule, and the share of clients that meet a new rule; both act on all by default."""
    desk = Desk(Path())
    quiet = {"scope": "client", "rate": 1, "mode": "observe"}
    found = limits(desk, {"a": quiet, "b": {"scope": "client", "rate": 1}}, ())
    assert (found["a"].observed, found["b"].observed) == (True, False)
    rule: dict[str, Any] = {"when": {"asn": 1}, "action": "refuse"}
    read = rules(
        desk,
        [{"name": "a", **rule, "mode": "observe"}, {"name": "b", **rule, "enforce_share": 0.05}, {"name": "c", **rule}],
        (),
    )
    assert [(one.observed, one.enforce_share) for one in read] == [(True, 1.0), (False, 0.05), (False, 1.0)]
    assert desk.faults == []


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"mode": "observe", "enforce_share": 0.5}, "enforce_share"),
        ({"enforce_share": 0}, "enforce_share"),
        ({"enforce_share": 1.5}, "enforce_share"),
        ({"mode": "watch"}, "mode"),
    ],
)
def test_a_share_of_nobody_is_no_share(more: dict[str, Any], key: str) -> None:
    """What enforces for nobody is said with mode = "observe"."""
    desk = Desk(Path())
    rules(desk, [{"name": "a", "when": {"asn": 1}, "weight": 1, **more}], ())
    assert [written(fault.trail) for fault in desk.faults] == [f"[1].{key}"]


def test_an_automatic_rate_is_a_floor_and_a_factor() -> None:
    """Each network then has three times what it usually asks for, never less than the floor."""
    read = limits(Desk(Path()), {"a": {"scope": "asn", "rate": "auto", "floor": 2}}, ())["a"]
    assert (read.rate, read.burst, read.auto) == (2.0, 10.0, 3.0)
    assert limits(Desk(Path()), {"a": {"scope": "asn", "rate": "auto"}}, ())["a"].rate == 5.0


@pytest.mark.parametrize(
    ("table", "place"),
    [({"scope": "client", "rate": "auto"}, "a.rate"), ({"scope": "asn", "rate": 3, "floor": 2}, "a.floor")],
)
def test_an_automatic_rate_has_its_place(table: dict[str, object], place: str) -> None:
    """Only a network has a usual; a floor without an automatic rate says nothing."""
    desk = Desk(Path())
    limits(desk, {"a": table}, ())
    assert [written(fault.trail) for fault in desk.faults] == [place]
