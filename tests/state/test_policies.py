"""Policies: the log of what was in force, bounded, and never a reason to fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from shieldproxy.state import policies as module
from shieldproxy.state.policies import PolicyLog


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    """Lines in their order, and the keys that were in force last; private to the service's user."""
    log = PolicyLog(tmp_path)
    assert (log.entries(), log.latest()) == ([], {})
    log.add({"ts": "a"}, {"x": "1"})
    log.add({"ts": "b"}, {"x": "2"})
    assert [entry["ts"] for entry in log.entries()] == ["a", "b"]
    assert log.latest() == {"x": "2"}
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_damage_is_left_aside(tmp_path: Path) -> None:
    """A line cut by a crash, or a hand edit, costs itself alone."""
    log = PolicyLog(tmp_path)
    log.add({"ts": "a"}, {})
    with (tmp_path / module.LOG).open("a") as file:
        file.write('{"ts": 5}\n{"ts"\n[]\n')
    (tmp_path / module.LATEST).write_text("[]")
    assert [entry["ts"] for entry in log.entries()] == ["a"]
    assert log.latest() == {}


def test_the_log_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest line goes."""
    monkeypatch.setattr(module, "KEPT", 3)
    log = PolicyLog(tmp_path)
    for number in range(6):
        log.add({"ts": str(number)}, {})
    assert [entry["ts"] for entry in log.entries()] == ["3", "4", "5"]
