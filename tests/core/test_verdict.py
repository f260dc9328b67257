"""Verdicts: actions are ordered, and the stricter wins."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.verdict import ACTIONS, Action, Mode, Side, Verdict, stricter
from tests.strategies import actions, words

verdicts = st.builds(Verdict, actions, words)


def test_actions_are_ordered_from_mild_to_strict() -> None:
    """Admit, challenge, throttle, refuse, drop: the order is the rule by which they replace each other."""
    assert sorted(Action) == [Action.ADMIT, Action.CHALLENGE, Action.THROTTLE, Action.REFUSE, Action.DROP]


def test_actions_have_the_words_of_the_contract() -> None:
    """Configuration, records and metrics write an action as one lower-case word, and read it back."""
    assert list(ACTIONS) == ["admit", "challenge", "throttle", "refuse", "drop"]
    assert all(ACTIONS[action.word] is action for action in Action)
    assert [mode.value for mode in Mode] == ["enforce", "observe"]
    assert [side.value for side in Side] == ["", "client", "origin", "shield"]


@given(verdicts, verdicts)
def test_a_milder_verdict_never_replaces_a_stricter_one(first: Verdict, second: Verdict) -> None:
    """The one that is kept is one of the two, at least as strict as both, and the first of two alike."""
    kept = stricter(first, second)
    assert kept in (first, second)
    assert kept.action == max(first.action, second.action)
    assert kept == first or second.action > first.action


@given(st.lists(verdicts, min_size=1))
def test_the_order_of_asking_does_not_soften_the_answer(given_verdicts: list[Verdict]) -> None:
    """However many opinions are put together and in whichever order, the strictest action comes out."""
    kept = back = given_verdicts[0]
    for verdict in given_verdicts:
        kept = stricter(kept, verdict)
    for verdict in reversed(given_verdicts):
        back = stricter(back, verdict)
    assert kept.action == back.action == max(verdict.action for verdict in given_verdicts)
