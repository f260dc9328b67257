from __future__ import annotations

import time
from pathlib import Path

import pytest

from shieldproxy.attribution.index import Index
from shieldproxy.cli.searching import reader_for, say_what_is_missing
from shieldproxy.journal.filters import Filter
from tests.fakes.clock import HandClock
from tests.fakes.records import TEN_FIFTEEN, record_at, write_journal

WANTED = Filter(asns=frozenset({64500}))


def test_a_reader_passes_over_what_the_index_knows(tmp_path: Path) -> None:
    """A segment without a record of that network is not opened."""
    write_journal(tmp_path, [record_at()])
    write_journal(tmp_path, [record_at(60, asn=64501)], name="edge1.1")
    Index(tmp_path, HandClock(TEN_FIFTEEN + 86_400)).update()
    (other,) = tmp_path.glob("*/*edge1.1*.jsonl")
    other.write_text("broken\n")
    reader = reader_for(tmp_path, WANTED)
    assert len(list(reader.records(WANTED))) == 1
    assert reader.broken == 0


@pytest.mark.parametrize(
    ("here", "wanted", "seconds", "said"),
    [
        (False, WANTED, 9.0, True),
        (False, WANTED, 0.0, False),
        (True, WANTED, 9.0, False),
        (False, Filter(), 9.0, False),
    ],
)
def test_what_is_missing_is_said_when_it_cost_time(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    here: bool,  # noqa: FBT001 - a column of the table
    wanted: Filter,
    seconds: float,
    said: bool,  # noqa: FBT001
) -> None:
    """In one line, only where the extra would have saved it."""
    monkeypatch.setattr("shieldproxy.cli.searching.available", lambda: here)
    say_what_is_missing(wanted, time.monotonic() - seconds)
    assert ("shieldproxy[analysis]" in capsys.readouterr().err) == said
