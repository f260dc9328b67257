from __future__ import annotations

import stat
from pathlib import Path

from shieldproxy.attribution.archive import open_archive
from shieldproxy.attribution.engine import available
from shieldproxy.attribution.index import Index
from tests.fakes.clock import HandClock
from tests.fakes.records import TEN_FIFTEEN, record_at, segment_writer, write_journal


def count(index: Index) -> int:
    """Return the sum of all weights without bringing the index up to date."""
    with open_archive(index, update=False) as archive:
        return int(archive.rows("SELECT sum(weight) FROM records")[0][0] or 0)


def test_a_complete_hour_becomes_one_file(index: Index, flooded: Path) -> None:
    """Every record once, in the index or beside it."""
    before = count(index)
    assert index.content().files == ()
    done = index.update()
    assert (done.files, done.removed, done.busy) == (1, 0, False)
    assert len(index.content().files) == 1
    assert index.content().segments == ()
    assert count(index) == before == done.records


def test_a_second_update_has_nothing_to_do(index: Index, flooded: Path) -> None:
    """Only what changed is built."""
    index.update()
    assert index.update() == (0, 0, 0, False)


def test_the_hour_at_hand_is_read_from_its_segments(flooded: Path) -> None:
    """As long as its first ten minutes are not over."""
    index = Index(flooded, HandClock(TEN_FIFTEEN + 299))
    assert index.update().files == 0
    assert count(index) == 3_600 + 120 * 40


def test_parts_become_hours_and_hours_days(index: Index, tmp_path: Path) -> None:
    """Each record once at any time; what others took the place of stays for who reads it, and then goes."""
    clock = HandClock(TEN_FIFTEEN)
    index = Index(tmp_path / "journal", clock)
    for minute in range(0, 130, 5):
        moment = HandClock(TEN_FIFTEEN + 60 * minute)
        writer = segment_writer(tmp_path / "journal", clock=moment)
        writer.write([record_at(60 * minute)])
        writer.close()
    parts = []
    for hours in (1, 2, 15, 16):
        clock.jump(TEN_FIFTEEN + 3_600 * hours + 310)
        index.update()
        parts.append([entry.file.rpartition("/")[2][:3] for entry in index.entries()])
        assert count(index) == 26
    assert parts[0] == ["10-", "110"]
    assert parts[2] == ["day"]


def test_a_segment_that_comes_late_is_taken_in(index: Index, flooded: Path) -> None:
    """A second node's journal for the same hour, copied here the next day."""
    index.update()
    before = count(index)
    write_journal(flooded, [record_at(60.0, node="edge2", weight=5)], name="edge2.0")
    assert count(index) == before + 5
    assert index.update().files == 1
    assert count(index) == before + 5


def test_what_retention_deleted_is_gone_from_the_index(index: Index, flooded: Path) -> None:
    """An index never remembers what the journal must not."""
    index.update()
    for place in flooded.glob("20*/*.jsonl"):
        place.unlink()
    assert index.update().removed == 1
    assert count(index) == 0
    assert not list(index.folder.glob("*/*.parquet"))


def test_it_can_be_deleted_and_built_again(index: Index, flooded: Path) -> None:
    """The segments are the truth."""
    index.update()
    before = count(index)
    for file in index.folder.glob("*/*.parquet"):
        file.unlink()
    assert count(index) == before
    assert index.update().files == 1
    assert count(index) == before


def test_two_updates_at_once_do_not_meet(index: Index, flooded: Path) -> None:
    """The second one leaves it to the first."""
    index.folder.mkdir()
    with index._locked() as locked:
        assert locked
        assert index.update().busy


def test_a_half_written_segment_counts_to_its_last_whole_line(index: Index, tmp_path: Path) -> None:
    """What a crash cut off, and garbage between lines, is no record."""
    writer = segment_writer(tmp_path / "journal")
    writer.write([record_at(), record_at(1)])
    (place,) = (tmp_path / "journal").glob("*/*.open")
    with place.open("ab") as file:
        file.write(b'garbage\n[1]\n{"ts":"x"}\n{"v":1,"seq":3,"ts":"2026-11-24T10:15')
    assert count(index) == 2


def test_only_the_owner_and_the_group_read_it(index: Index, flooded: Path) -> None:
    """It holds addresses as the segments do."""
    index.update()
    for place in index.folder.rglob("*.parquet"):
        assert stat.S_IMODE(place.stat().st_mode) == 0o640


def test_the_engine_is_here() -> None:
    """The extra is installed where tests run."""
    assert available()
