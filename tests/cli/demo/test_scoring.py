"""Scoring: what the journal says, told with records made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from shieldproxy.cli.demo.scoring import Score, Scorer, Share
from tests.fakes.records import TEN_FIFTEEN, record_at

BOT, CITIZEN, STRANGER = "203.0.113.7", "192.0.2.1", "198.51.100.9"


def score(*records: dict[str, Any]) -> Score:
    """Return the score of records, the flood beginning at 10:15."""
    return Scorer({BOT}, {CITIZEN}, TEN_FIFTEEN).read(records)


def bot(second: float, action: str = "challenge", **fields: Any) -> dict[str, Any]:
    """Return the record of a request of the botnet."""
    return record_at(second, src_ip=BOT, client=BOT, action=action, stage="any", **fields).to_dict()


def citizen(second: float, action: str = "admit", **fields: Any) -> dict[str, Any]:
    """Return the record of a citizen's request."""
    return record_at(second, src_ip=CITIZEN, client=CITIZEN, action=action, stage="any", **fields).to_dict()


def test_what_is_admitted_has_reached_the_site() -> None:
    """Every weight counts, everything but an admission is stopped, and what was only observed is not."""
    found = score(bot(1, "admit"), bot(2, weight=5), bot(3, "drop"), bot(4, "refuse", enforced=False))
    assert found.attack == Share(8, 2)
    assert found.attack.stopped_percent == 75.0
    assert found.actions == {"challenge": 5, "admit": 1, "drop": 1, "refuse": 1}
    assert found.operators[64500].attack == Share(8, 2)


def test_the_beginning_is_counted_apart() -> None:
    """The first twenty seconds of the flood, and what came after."""
    found = score(bot(0, "admit"), bot(19.9), bot(20.0), bot(30))
    assert (found.first, found.after) == (Share(2, 1), Share(2, 0))


def test_citizens_that_were_turned_away_are_named() -> None:
    """Throttled, refused and dropped are turned away; a challenge is not."""
    found = score(citizen(1), citizen(2, "challenge", id="abc"), citizen(3, "throttle", path="/site.css", asn=174))
    assert found.turned_away == ["GET /site.css: throttle (any), AS174"]
    assert found.citizens == {"admit": 1, "challenge": 1, "throttle": 1}
    assert found.citizen_id == "abc"
    assert found.attack == Share(0, 0)


def test_a_plain_limit_is_blind_to_slow_addresses() -> None:
    """Ten requests a second of one address pass it; of a hundred at once it stops half."""
    slow = score(*(bot(second / 10) for second in range(100)))
    assert slow.plain == Share(100, 100)
    fast = score(*(bot(1.0) for _ in range(100)))
    assert fast.plain == Share(100, 50)


def test_everything_is_added_up() -> None:
    """Lines, weights, losses, strangers, and when each posture was first seen."""
    other = record_at(2, src_ip=STRANGER, posture="elevated", lost_before=3).to_dict()
    found = score(bot(-1, posture="calm"), other, bot(3, posture="under_attack", weight=4), bot(9, posture="elevated"))
    assert (found.records, found.weight, found.lost, found.strangers) == (4, 7, 3, 1)
    assert found.postures == pytest.approx({"calm": -1.0, "elevated": 2.0, "under_attack": 3.0})


def test_nothing_is_no_share() -> None:
    """An empty journal divides by nothing."""
    assert score().attack.stopped_percent == 0.0
