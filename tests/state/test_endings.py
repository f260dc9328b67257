"""Endings: the last end of a key is remembered for its time, in bounded room."""

from __future__ import annotations

import pytest

from shieldproxy.core.rulings import Ruling
from shieldproxy.state import endings
from shieldproxy.state.endings import Endings


def end(key: str, made: int, until: float = 100.0) -> Ruling:
    return Ruling("ban", key, made, until, ends=True)


def test_the_last_end_counts() -> None:
    """An earlier one that arrives later changes nothing; lists are apart."""
    known = Endings()
    known.note(end("192.0.2.1", 5))
    known.note(end("192.0.2.1", 3))
    assert (known.made("ban", "192.0.2.1"), known.made("allow", "192.0.2.1"), known.made("ban", "x")) == (5, -1, -1)
    known.note(end("192.0.2.1", 7))
    assert [one.made for one in known] == [7]


def test_it_is_forgotten_when_its_time_is_over() -> None:
    """From then on no ban that old can be in force."""
    known = Endings()
    known.note(end("192.0.2.1", 5, until=10.0))
    known.note(end("192.0.2.2", 5, until=20.0))
    known.sweep(10.0)
    assert [one.key for one in known] == ["192.0.2.2"]


def test_room_is_bounded_and_what_gave_way_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one noted first goes."""
    monkeypatch.setattr(endings, "MAX_ENDINGS", 2)
    known = Endings()
    for number in range(4):
        known.note(end(f"192.0.2.{number}", 5))
    assert [one.key for one in known] == ["192.0.2.2", "192.0.2.3"]
    assert known.dropped == 2
