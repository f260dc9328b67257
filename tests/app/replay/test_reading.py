"""Reading: columns say what lines say, whoever reads them, and an unreadable log is one in another process too."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shieldproxy.app.replay.past import Past
from shieldproxy.app.replay.reading import OWN, PAGE, PART, PROVES, Columns, Lines, done_with, read, without_query
from shieldproxy.core.verdict import Action
from shieldproxy.journal.log_files import UnreadableLogError
from tests.fakes.logs import combined, write_log
from tests.fakes.records import record_at, write_journal


def lines_of(path: Path, *, apart: bool) -> tuple[list[Lines], Past]:
    past = Past([path])
    return list(read(past, "/own/", referers=False, apart=apart)), past


def test_another_process_reads_the_same(tmp_path: Path) -> None:
    """Columns, and what could not be read."""
    log = write_log(tmp_path / "a.log", [combined(number, "192.0.2.1", f"/{number}") for number in range(9)] + ["x"])
    here, there = lines_of(log, apart=False), lines_of(log, apart=True)
    assert here[0] == there[0]
    assert (here[1].broken, here[1].broken_lines) == (there[1].broken, there[1].broken_lines)
    assert here[1].broken == 1


def test_what_a_request_tells_of_its_session(tmp_path: Path) -> None:
    """A page, a part, one of ours, and what failed; in a journal who passed a challenge."""
    asked = (("/", 200), ("/a.css", 304), ("/feed", 200), ("/own/x.css", 200), ("/", 404), ("/own/x", 404))
    log = write_log(tmp_path / "a.log", [combined(0, "192.0.2.1", path, status=status) for path, status in asked])
    (found,) = lines_of(log, apart=False)[0]
    assert [*found.looks] == [PAGE, PART, 0, OWN | PART, 0, OWN]
    write_journal(tmp_path / "journal", [record_at(0, challenge="passed", path="/", status=403)])
    (found,) = lines_of(tmp_path / "journal", apart=False)[0]
    assert [*found.looks] == [PROVES]


def test_a_file_that_is_no_log_is_none_in_another_process(tmp_path: Path) -> None:
    """And a process that dies is no end of the log."""
    path = tmp_path / "picture"
    path.write_bytes(b"x\n" * 5_000)
    for apart in (False, True):
        with pytest.raises(UnreadableLogError, match="no log"):
            lines_of(path, apart=apart)


def test_a_reader_that_dies_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a log is never taken for a whole one."""
    monkeypatch.setattr(Columns, "lines", lambda *_: os._exit(3))
    with pytest.raises(RuntimeError, match="died"):
        lines_of(write_log(tmp_path / "a.log", [combined(0, "192.0.2.1")]), apart=True)


def test_queries_are_cut_where_the_line_is_a_request() -> None:
    """What is none stays as it is, to be seen as none."""
    assert without_query("GET /a?b=c?d HTTP/1.1") == "GET /a HTTP/1.1"
    for odd in ("GET /a?b", "GET /a?b c HTTP/1.1", "?", "GET /a b?"):
        assert without_query(odd) == odd


def test_what_was_done_is_the_action_unless_it_was_only_observed() -> None:
    """Words that are no actions are those of other servers."""
    found = [done_with(fields) for fields in ({}, {"action": "refuse"}, {"action": 7}, {"action": "x"})]
    assert found == [Action.ADMIT, Action.REFUSE, Action.ADMIT, Action.ADMIT]
    assert done_with({"action": "drop", "enforced": False}) is Action.ADMIT
