"""The sum of weights at which a page is challenged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shieldproxy.core.facts import Posture
from shieldproxy.core.policy import DEFAULT_SUSPICION
from shieldproxy.settings.suspicion import thresholds
from shieldproxy.settings.tables import Desk, written
from shieldproxy.settings.values import Wrong


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (100, (100, 50, 40)),
        (80, (80, 40, 32)),
        (1, (1, 0, 0)),
        (0, (0, 0, 0)),
        ({}, (100, 50, 40)),
        ({"calm": 40}, (40, 20, 16)),
        ({"elevated": 60}, (100, 60, 40)),
        ({"elevated": 20}, (100, 20, 20)),
        ({"calm": 90, "elevated": 90, "under_attack": 90}, (90, 90, 90)),
    ],
)
def test_one_number_says_all_three(value: Any, expected: tuple[int, int, int]) -> None:
    """Half of it when elevated, four tenths under attack, and never more than in a milder posture."""
    desk = Desk(Path())

    assert thresholds(desk, value, ()) == tuple(zip(Posture, expected, strict=True))
    assert desk.faults == []


def test_the_default_is_the_one_of_the_judge() -> None:
    """A table that says nothing means what the judge assumes by itself."""
    assert dict(thresholds(Desk(Path()), {}, ())) == DEFAULT_SUSPICION


@pytest.mark.parametrize(
    "value",
    [{"calm": 10, "elevated": 20}, {"elevated": 10, "under_attack": 20}, {"calm": 10, "under_attack": 20}],
)
def test_under_attack_it_takes_no_more_than_in_calm(value: dict[str, int]) -> None:
    """Thresholds that rise with the danger are a slip."""
    desk = Desk(Path())
    thresholds(desk, value, ("suspicion",))

    assert [written(fault.trail) for fault in desk.faults] == ["suspicion"]
    assert desk.faults[0].message.endswith("allowed: calm >= elevated >= under_attack")


def test_wrong_numbers_are_told_where_they_stand() -> None:
    """In a table at their key, alone as a whole."""
    desk = Desk(Path())
    thresholds(desk, {"calm": -1, "elevated": 100_001, "later": 5}, ("suspicion",))

    assert {written(fault.trail) for fault in desk.faults} == {
        "suspicion.calm", "suspicion.elevated", "suspicion.later",
    }  # fmt: skip
    with pytest.raises(Wrong, match="allowed: a whole number from 0 to 100000"):
        thresholds(desk, "many", ())
