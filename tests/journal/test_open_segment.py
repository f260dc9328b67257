from __future__ import annotations

import stat
from pathlib import Path

import pytest

from shieldproxy.journal.open_segment import OpenSegment, seal_as, sync_directory
from tests.fakes.disk import full_at
from tests.fakes.records import TEN_FIFTEEN

FIRST, LAST = "2026-11-24T10:14:59.000000Z", "2026-11-24T10:15:01.000000Z"


def opened(directory: Path, seq: int = 1) -> OpenSegment:
    return OpenSegment(directory, "edge1.0", seq, TEN_FIFTEEN)


def test_a_segment_gets_the_name_of_what_it_holds(tmp_path: Path) -> None:
    """Sealing renames from .open to the span inside, in the day of opening."""
    segment = opened(tmp_path)
    assert segment.path == tmp_path / "2026-11-24/20261124T101500.000000Z-edge1.0-000000000001.jsonl.open"
    segment.append(b"b\n", LAST, LAST)
    segment.append(b"a\n", FIRST, FIRST)
    sealed = segment.seal()
    name = "20261124T101459.000000Z-20261124T101501.000000Z-edge1.0-000000000001.jsonl"
    assert sealed == tmp_path / "2026-11-24" / name
    assert sealed.read_bytes() == b"b\na\n"
    assert list(sealed.parent.iterdir()) == [sealed]


def test_an_empty_segment_leaves_nothing(tmp_path: Path) -> None:
    """Nothing was written, so no file remains."""
    segment = opened(tmp_path)
    assert segment.seal() is None
    assert list(segment.path.parent.iterdir()) == []


def test_strangers_cannot_read_it(tmp_path: Path) -> None:
    """Records name people's addresses: nobody but owner and group may read them."""
    segment = opened(tmp_path / "journal")
    for path in (segment.path, segment.path.parent):
        assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0
    segment.abandon()


def test_a_name_that_is_taken_is_not_written_over(tmp_path: Path) -> None:
    """Two segments never share a file."""
    first = opened(tmp_path)
    with pytest.raises(FileExistsError):
        opened(tmp_path)
    first.abandon()


def test_a_full_disk_leaves_whole_lines_only(tmp_path: Path) -> None:
    """What could be written of a batch that did not fit is taken back, and the segment goes on with room."""
    segment = opened(tmp_path)
    segment.append(b"first line\n", FIRST, FIRST)
    with full_at(20), pytest.raises(OSError, match="too large"):
        segment.append(b"x" * 30 + b"\n", LAST, LAST)
    assert segment.path.read_bytes() == b"first line\n"
    assert segment.usable
    segment.append(b"second line\n", LAST, LAST)
    sealed = segment.seal()
    assert sealed is not None
    assert sealed.read_bytes() == b"first line\nsecond line\n"


def test_a_deleted_segment_is_not_usable(tmp_path: Path) -> None:
    """Writing on would fill a file that nobody can see."""
    segment = opened(tmp_path)
    assert segment.usable
    segment.path.unlink()
    assert not segment.usable
    segment.abandon()


def test_a_ts_that_does_not_sort_counts_as_the_moment_of_opening(tmp_path: Path) -> None:
    """A record with a strange ts costs no segment its name."""
    segment = opened(tmp_path)
    segment.append(b"{}\n", "", "tomorrow")
    sealed = segment.seal()
    assert sealed is not None
    assert sealed.name.startswith("20261124T101500.000000Z-20261124T101500.000000Z-")


def test_the_final_name_is_on_the_disk(tmp_path: Path) -> None:
    """Renaming and syncing work on any directory; a missing one is an OSError."""
    (tmp_path / "a").write_bytes(b"{}\n")
    assert seal_as(tmp_path / "a", FIRST, LAST, "w.0", 1).exists()
    with pytest.raises(OSError, match="none"):
        sync_directory(tmp_path / "none")
