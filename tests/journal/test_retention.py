from __future__ import annotations

import os
from pathlib import Path

import pytest

from shieldproxy.core.record import rfc3339
from shieldproxy.journal.holds import set_hold
from shieldproxy.journal.packing import pack
from shieldproxy.journal.retention import Forgotten, forget_before
from tests.fakes.clock import HandClock
from tests.fakes.records import TEN_FIFTEEN, record_at, segment_writer

DAY = 86_400.0


def journal_of_days(directory: Path, count: int) -> None:
    """Write one sealed segment at 10:15 of each of ``count`` days."""
    clock = HandClock(TEN_FIFTEEN)
    writer = segment_writer(directory, clock=clock)
    for day in range(count):
        writer.write([record_at(day * DAY), record_at(day * DAY + 1)])
        writer.close()
        clock.advance(DAY)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_whole_segments_are_deleted_when_their_time_is_over(tmp_path: Path) -> None:
    """With the days that are empty then; how much went is told."""
    journal_of_days(tmp_path, 4)
    found = forget_before(tmp_path, rfc3339(TEN_FIFTEEN + 2 * DAY))
    assert (found.segments, found.problems) == (2, ())
    assert found.size > 1000
    assert names(tmp_path) == ["2026-11-26", "2026-11-27"]


def test_a_segment_with_one_record_that_must_stay_stays(tmp_path: Path) -> None:
    """Segments are never rewritten, so the last record decides."""
    journal_of_days(tmp_path, 1)
    assert forget_before(tmp_path, rfc3339(TEN_FIFTEEN + 1)).segments == 0
    assert forget_before(tmp_path, rfc3339(TEN_FIFTEEN + 1.1)).segments == 1


def test_an_open_segment_and_files_of_others_stay(tmp_path: Path) -> None:
    """What is being written is not old, and what is not ours is not ours to delete."""
    writer = segment_writer(tmp_path)
    writer.write([record_at()])
    (path,) = tmp_path.rglob("*.open")
    os.utime(path, (TEN_FIFTEEN + 9 * DAY, TEN_FIFTEEN + 9 * DAY))
    (tmp_path / "2026-11-24" / "notes.txt").touch()
    assert forget_before(tmp_path, rfc3339(TEN_FIFTEEN + 9 * DAY)) == Forgotten()
    writer.close()
    assert forget_before(tmp_path, rfc3339(TEN_FIFTEEN + 9 * DAY)).segments == 1
    assert names(tmp_path / "2026-11-24") == ["notes.txt"]


def test_what_a_worker_left_that_is_gone_for_good_is_forgotten_too(tmp_path: Path) -> None:
    """Nobody seals it any more, and the time of the people in it is over all the same."""
    segment_writer(tmp_path).write([record_at()])
    (path,) = tmp_path.rglob("*.open")
    os.utime(path, (TEN_FIFTEEN, TEN_FIFTEEN))
    assert forget_before(tmp_path, rfc3339(TEN_FIFTEEN + 0.001)).segments == 1
    assert list(tmp_path.rglob("*.open")) == []


def test_without_a_journal_there_is_nothing_to_forget(tmp_path: Path) -> None:
    """The first start of a node deletes nothing and raises nothing."""
    assert forget_before(tmp_path / "none", rfc3339(TEN_FIFTEEN)) == Forgotten()


def test_what_must_stay_stays_and_is_counted(tmp_path: Path) -> None:
    """A legal hold is stronger than age."""
    journal_of_days(tmp_path, 3)
    hold = set_hold(tmp_path, rfc3339(TEN_FIFTEEN), rfc3339(TEN_FIFTEEN + 5), "police", rfc3339(TEN_FIFTEEN))
    found = forget_before(tmp_path, rfc3339(TEN_FIFTEEN + 9 * DAY), holds=[hold])
    assert (found.segments, found.held) == (2, 1)
    assert names(tmp_path) == ["2026-11-24", "holds.jsonl"]


def test_nothing_goes_before_it_is_said(tmp_path: Path) -> None:
    """When the log of deletions cannot be written, the records stay."""
    journal_of_days(tmp_path, 1)

    def full(_gone: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        forget_before(tmp_path, rfc3339(TEN_FIFTEEN + 9 * DAY), before=full)
    assert len(list(tmp_path.rglob("*.jsonl"))) == 1


def test_a_log_that_was_brought_in_is_kept_as_long_as_one_of_today(tmp_path: Path) -> None:
    """Its records are of last year, and somebody brought them in to look at them; its time begins then."""
    writer = segment_writer(tmp_path, "import-web2.0")
    writer.write([record_at()])
    writer.close()
    (path,) = tmp_path.rglob("*.jsonl")
    os.utime(path, (TEN_FIFTEEN + 300 * DAY, TEN_FIFTEEN + 300 * DAY))
    assert forget_before(tmp_path, rfc3339(TEN_FIFTEEN + 299 * DAY)).segments == 0
    packed = pack(path)
    path.unlink()
    assert forget_before(tmp_path, rfc3339(TEN_FIFTEEN + 299 * DAY)).segments == 0
    assert packed.exists()
    assert forget_before(tmp_path, rfc3339(TEN_FIFTEEN + 301 * DAY)).segments == 1
