"""Taping: a log on tape says what its requests say, in pieces or whole, and who in it is a person."""

from __future__ import annotations

from pathlib import Path

import pytest

from shieldproxy.app.replay import reading, taping
from shieldproxy.app.replay.callers import Callers
from shieldproxy.app.replay.past import Past
from shieldproxy.app.replay.taping import START, Taped, tape
from shieldproxy.core.facts import Crawler
from shieldproxy.core.verdict import Action
from tests.fakes.logs import FIREFOX, combined, reader_of_pages, write_log
from tests.fakes.networks import TableNetworks
from tests.fakes.records import record_at, write_journal


def taped(past: Past, *, referers: bool = False) -> tuple[Taped, Callers]:
    callers = Callers(TableNetworks({}), lambda _label, _agent: Crawler.NONE)
    return tape(past, callers, "/.shieldproxy", referers=referers), callers


def rows(found: Taped) -> list[tuple[object, ...]]:
    """Return each request with its words."""
    return [
        (moment, *block.callers[who], *block.asks[what], held, done)
        for block in found.tape.blocks()
        for moment, who, what, held, done in zip(
            block.moments, block.who, block.what, block.held, block.done, strict=True
        )
    ]


LINES = [
    *reader_of_pages("198.51.100.1", 0),
    combined(5, "198.51.100.2", "/a?x=1"),
    combined(6, "198.51.100.2", "/a?x=2", agent="curl/8"),
    combined(4, "198.51.100.3", "/late"),
    combined(7, "nobody", "/"),
    combined(8, "198.51.100.1", "/.shieldproxy/answer"),
    "broken",
    combined(9, "2001:db8::1", "/"),
]


@pytest.mark.parametrize("apart", [1 << 30, 0])
@pytest.mark.parametrize("most", [32_768, 2])
def test_pieces_and_whole_requests_make_the_same_tape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, apart: int
) -> None:
    """However small the blocks are, and whoever reads; time never goes back, queries are nobody's business, strangers are left out."""
    monkeypatch.setattr(reading, "MOST", most)
    monkeypatch.setattr(taping, "WORTH_A_PROCESS", apart)
    log = write_log(tmp_path / "a.log", LINES)
    # Two logs are merged as whole requests; the second one is empty.
    cut, whole = taped(Past([log])), taped(Past([log, write_log(tmp_path / "b.log", [])]))
    assert rows(cut[0]) == rows(whole[0])
    assert cut[0][1:] == whole[0][1:]
    assert (cut[0].requests, cut[0].skipped) == (10, 2)
    first = rows(cut[0])[0]
    assert first == (START, "198.51.100.1", FIREFOX, "GET", "", "/page-0", "1.1", "", 0, Action.ADMIT)
    moments = [row[0] for row in rows(cut[0])]
    assert [*map(str, moments)] == sorted(map(str, moments))
    for found, callers in (cut, whole):
        found.tape.close()
        assert [session.passes for session in callers.sessions.values()] == [True, False, False, False, False]


def test_a_journal_tells_who_was_cleared_and_what_was_done(tmp_path: Path) -> None:
    """The records of our own say more than the logs of others; where they say nothing, nothing was held."""
    person = {"action": "admit", "stage": "cleared", "rule": "clearance", "status": 200, "reasons": ()}
    write_journal(tmp_path / "journal", [record_at(0), record_at(1, **person), record_at(2, enforced=False)])
    found, _ = taped(Past([tmp_path / "journal"]), referers=True)
    assert [row[-2:] for row in rows(found)] == [(0, Action.THROTTLE), (1, Action.ADMIT), (0, Action.ADMIT)]
    found.tape.close()
