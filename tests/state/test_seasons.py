"""Seasons are kept over restarts, and what was learned from logs is taken once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shieldproxy.core.errors import StartError
from shieldproxy.core.seasons import SITE, Seasons
from shieldproxy.state.learned import Usual
from shieldproxy.state.seasons import FILE, LEARNED, keep_seasons, leave_learned, read_seasons, take_learned

MOMENT = 1_767_571_200.0


def learned(keys: int = 10) -> Seasons:
    found = Seasons(most=5)
    for minute in range(60):
        counts = {f"asn {number}": 60.0 * number for number in range(keys)}
        found.learn({SITE: 6_000.0, **counts}, MOMENT + minute * 60.0, 60.0)
    found.fold()
    return found


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    """Those that are kept one by one, and those in the sketch."""
    before = learned()
    keep_seasons(tmp_path, before.kept())
    after, problem = read_seasons(tmp_path)
    assert problem == ""
    for key in (SITE, *(f"asn {number}" for number in range(10))):
        assert after.usual(key, MOMENT) == pytest.approx(before.usual(key, MOMENT), rel=1e-5)
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", ["{", "[]", '{"version":2}', "sketch", "seconds", "counts"])
def test_a_damaged_file_costs_the_knowledge_and_no_more(tmp_path: Path, damage: str) -> None:
    """Whatever stands there, the node starts and says so."""
    keep_seasons(tmp_path, learned().kept())
    path = tmp_path / FILE
    document = json.loads(path.read_text())
    path.write_text(damage if damage not in document else json.dumps({**document, damage: [1.0]}))
    found, problem = read_seasons(tmp_path)
    assert "learned anew" in problem
    assert found.lived == 0.0


def test_nothing_kept_is_no_problem(tmp_path: Path) -> None:
    """On the first day."""
    assert read_seasons(tmp_path)[1] == ""
    assert take_learned(tmp_path) is None


def test_what_was_learned_from_logs_is_taken_once(tmp_path: Path) -> None:
    """And a piece of it that is damaged is not half taken."""
    usual = Usual(10.0, 2.0, 8.0, 3_600, 3_600.0, {64500: 1.5})
    leave_learned(tmp_path, usual, learned())
    found = take_learned(tmp_path)
    assert found is not None
    assert found[0] == usual
    assert found[1].usual(SITE, MOMENT) == pytest.approx(100.0)
    assert take_learned(tmp_path) is None
    leave_learned(tmp_path, usual, learned())
    (tmp_path / LEARNED / FILE).write_text("{")
    with pytest.raises(StartError, match="cannot be read"):
        take_learned(tmp_path)
    assert take_learned(tmp_path) is None
    assert list((tmp_path / LEARNED).iterdir()) == []
