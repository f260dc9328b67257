"""The supervisor's own journal: made with its first record, counted like a worker's."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from shieldproxy.core.errors import StartError
from shieldproxy.core.record import Record, rfc3339
from shieldproxy.journal.filters import Filter
from shieldproxy.journal.reader import Reader
from shieldproxy.journal.segment_writer import SegmentWriter
from shieldproxy.journal.writer import Journal
from shieldproxy.supervisor.own_journal import OwnJournal
from tests.fakes.tallies import CountedTallies


def journal_in(folder: Path) -> Journal:
    segments = SegmentWriter(folder, "node-kernel.0", wall=time.time, monotonic=time.monotonic)
    return Journal(segments, monotonic=time.monotonic, report=lambda sentence: None)


def records(count: int) -> list[Record]:
    return [Record(ts=rfc3339(time.time()), id=str(number), action="drop", weight=3) for number in range(count)]


async def test_nothing_is_made_before_the_first_record(tmp_path: Path) -> None:
    """A node whose kernel drops nothing has no empty segments."""
    own = OwnJournal(journal_in(tmp_path / "journal"), CountedTallies())
    await own.write([])
    await own.close()
    assert not (tmp_path / "journal").exists()


async def test_records_are_in_the_journal_and_counted(tmp_path: Path) -> None:
    """A reader finds them among those of the workers."""
    tallies = CountedTallies()
    own = OwnJournal(journal_in(tmp_path), tallies)
    await own.write(records(2))
    await own.write(records(1))
    await own.close()
    assert [record["weight"] for record in Reader(tmp_path).records(Filter())] == [3, 3, 3]
    assert tallies.named["journal_records"] == 3
    assert tallies.named["journal_lost"] == 0
    assert own.problem == ""


async def test_what_cannot_be_written_is_counted_as_lost(tmp_path: Path) -> None:
    """The error names the place, and the next records are tried again."""
    place = tmp_path / "journal"
    place.write_text("a file")
    tallies = CountedTallies()
    own = OwnJournal(journal_in(place), tallies)
    with pytest.raises(StartError, match="journal"):
        await own.write(records(2))
    assert tallies.named["journal_lost"] == 6
    place.unlink()
    await own.write(records(1))
    await own.close()
    assert tallies.named["journal_records"] == 1


async def test_two_writings_at_once_open_one_journal(tmp_path: Path) -> None:
    """The last words of a node do not wait for a turn that is under way to begin with."""
    own = OwnJournal(journal_in(tmp_path), CountedTallies())
    await asyncio.gather(own.write(records(1)), own.write(records(2)))
    await own.close()
    assert len(list(Reader(tmp_path).records(Filter()))) == 3
