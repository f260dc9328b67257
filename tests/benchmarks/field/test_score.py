"""The score of a play: shares of what was sent, people by when they came, moments against the attack."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.cores import available_cores
from benchmarks.field.node import Moment
from benchmarks.field.people import Visitor
from benchmarks.field.plays import Played, Times
from benchmarks.field.score import attack_rows, beside, ledger_rows, people_rows, posture_rows, used_row

BOT, PERSON = "192.0.2.1", "198.51.100.1"
BEGIN = 1_000.0


def played(
    visitors: list[Visitor] | None = None,
    moments: list[Moment] | None = None,
    ledger: list[dict[str, object]] | None = None,
    late: int = 0,
) -> Played:
    """Return a play of 800 attack requests in 80 s; 30 of them reached the site early, 2 late, and one person did."""
    seen = [(BEGIN + 1.0, BOT, 0.01)] * 30 + [(BEGIN + 50.0, BOT, 0.01)] * 2 + [(BEGIN + 1.0, PERSON, 0.01)]
    sent = {"503": 768, "200": 32} | ({"late": late} if late else {})
    return Played(
        Times(),
        BEGIN,
        visitors or [],
        frozenset({BOT}),
        sent,
        800,
        seen,
        moments or [],
        Path(),
        ledger or [],
        0.0,
        200,
        {},
    )


def test_shares_are_of_what_was_sent() -> None:
    """Thirty of the two hundred of the first twenty seconds, two of the six hundred after them."""
    first, after, whole, sent = attack_rows(played(), (0.15, 0.003, 0.05))
    assert [row.found for row in (first, after, whole)] == ["15.00%", "0.33%", "4.00%"]
    assert [row.met for row in (first, after, whole, sent)] == [True, False, True, True]


def test_what_the_machine_could_not_send_is_told_and_counts_for_nothing() -> None:
    """Half of the flood stayed at home: the other half is the whole, and the row is missed."""
    *_, whole, sent = attack_rows(played(late=400), (0.15, 0.003, 0.05))
    assert whole.found == "8.00%"
    assert sent.met is False


def test_a_full_machine_is_told_and_neither_met_nor_missed() -> None:
    """What it cannot send it cannot show, and nobody is to overlook that."""
    busy = {"machine": 80.0 * len(available_cores())}
    *_, row = attack_rows(played(late=400)._replace(used=busy), (0.15, 0.003, 0.05))
    assert row.met is None
    assert "400 of 800 sent" in row.found
    assert "NOT ALL COULD BE SENT" in row.found
    *_, row = attack_rows(played(late=400)._replace(used={"machine": 10.0}), (0.15, 0.003, 0.05))
    assert row.met is False


def test_people_are_counted_by_when_they_came() -> None:
    """One in calm, two meanwhile, of whom one was challenged and one refused; one after it."""
    visitors = [
        Visitor(PERSON, BEGIN - 10.0),
        Visitor(PERSON, BEGIN + 10.0, challenged=1, challenged_at=BEGIN + 10.0),
        Visitor(PERSON, BEGIN + 20.0, refused=["/: 429"]),
        Visitor(PERSON, BEGIN + 90.0, challenged=2, challenged_at=BEGIN + 91.0),
    ]
    found = {row.name: row for row in people_rows(played(visitors), 0.05)}
    assert found["people refused or banned"].met is False
    assert found["people challenged while calm"].found == "0.00% (0 of 1)"
    assert found["people challenged meanwhile"].found == "50.00% (1 of 2)"
    assert found["people challenged after it"].found == "1"
    assert found["people challenged twice"].met is False
    assert found["why"].found == "/: 429"


@pytest.mark.parametrize(
    ("moments", "met"),
    [
        ([Moment(BEGIN + 3.0, "under_attack", "why"), Moment(BEGIN + 150.0, "calm", "")], [True, True]),
        ([Moment(BEGIN + 12.0, "under_attack", "why"), Moment(BEGIN + 250.0, "calm", "")], [False, False]),
        ([Moment(BEGIN - 3.0, "under_attack", "why")], [False, False]),
        ([], [False, False]),
    ],
)
def test_an_attack_is_noticed_after_it_began_and_let_go_after_its_end(moments: list[Moment], met: list[bool]) -> None:
    """Too late is missed, and so is an attack that was none yet."""
    rows = posture_rows(played(moments=moments))
    assert [row.met for row in rows[:2]] == met


def test_the_ledger_may_be_wrong_by_some_seconds() -> None:
    """One episode that begins and ends with the attack; none, or one that is far off, is missed."""
    near: dict[str, object] = {
        "start": "1970-01-01T00:16:45Z",
        "end": "1970-01-01T00:17:55Z",
        "opinion": {"word": "attack"},
    }
    far = near | {"end": "1970-01-01T00:20:00Z"}
    assert [ledger_rows(played(ledger=ledger))[0].met for ledger in ([near], [far], [], [near, near])] == [
        True,
        False,
        False,
        False,
    ]


def test_who_used_the_machine_is_told() -> None:
    """What neither the shield nor the play used was used by something else."""
    used = {"shield": 60.0, "people": 20.0, "site": 2.0, "flood": 9.0, "machine": 100.0}
    row = used_row(played()._replace(used=used))
    assert row.found == "shield 60, people 20, flood 9, site 2, all else on this machine 9"
    assert row.met is None


def test_beside_others_nothing_is_met_or_missed() -> None:
    """The table of a peer holds figures only."""
    assert {row.met for row in beside("botnet", played())} == {None}
