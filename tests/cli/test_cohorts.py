"""``cohorts``: what the excess shares, and the order to leave one alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from shieldproxy.control.node import CohortEntry
from tests.fakes.control_room import ControlRoom

Type = Callable[..., Result]
Objects = Callable[[Result], list[Any]]
OLD = CohortEntry("agent Chrome/79", 0.93, 0.0002, 75.0, 60.0, applied=True)
PATH = CohortEntry("path /?", 0.25, 0.0, 75.0, 60.0, applied=False, why_not="the site is not under attack")


def test_cohorts_are_listed_with_what_is_done(room: ControlRoom, typed: Type, objects: Objects) -> None:
    """Each with its part of the excess and of calm; challenged, or proposed and why not more."""
    assert typed("cohorts", "-c", room.config).stdout == "no excess with anything of its own in common\n"
    room.node.shared = (OLD, PATH)
    table = typed("cohorts", "-c", room.config).stdout
    for words in ("agent Chrome/79", "93%", "0.02%", "challenged", "proposed: the site is not under attack"):
        assert words in table
    assert [row["trait"] for row in objects(typed("cohorts", "--format", "json", "-c", room.config))] == [
        "agent Chrome/79",
        "path /?",
    ]


def test_one_word_ends_a_cohort(room: ControlRoom, typed: Type, objects: Objects) -> None:
    """It is gone at once; one that is not there ends with 1."""
    room.node.shared = (OLD, PATH)
    told = typed("cohorts", "path /?", "--revoke", "-c", room.config)
    assert told.stdout == "revoked path /? until the site has been calm again\n"
    assert objects(typed("cohorts", "agent Chrome/79", "--revoke", "--format", "json", "-c", room.config)) == [
        {"revoked": "agent Chrome/79"}
    ]
    missing = typed("cohorts", "path /?", "--revoke", "-c", room.config)
    assert (missing.exit_code, missing.stderr) == (1, "There is no cohort of that trait.\n")


@pytest.mark.parametrize("words", [("path /?",), ("--revoke",)])
def test_a_trait_and_the_order_belong_together(room: ControlRoom, typed: Type, words: tuple[str, ...]) -> None:
    """Neither a trait alone nor an order without one is guessed at."""
    result = typed("cohorts", *words, "-c", room.config)
    assert result.exit_code == 2
    assert "both a TRAIT and --revoke" in result.stderr
