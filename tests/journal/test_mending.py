from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from shieldproxy.core.errors import StartError
from shieldproxy.journal.encoding import Encoder
from shieldproxy.journal.mending import Mended, mend, probe
from shieldproxy.journal.segments import open_name
from tests.fakes.records import record_at, write_journal

OPENED = "2026-11-24T10:15:00.000000Z"


def lines_of(*seqs: int) -> bytes:
    return b"".join(Encoder().line(record_at(seq), seq, 0) + b"\n" for seq in seqs)


def leave_open(directory: Path, content: bytes, writer: str = "edge1.0", seq: int = 1) -> Path:
    """Leave a segment as a killed process does."""
    day = directory / "2026-11-24"
    day.mkdir(exist_ok=True)
    path = day / open_name(OPENED, writer, seq)
    path.write_bytes(content)
    return path


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.rglob("*") if path.is_file())


def test_a_new_journal_begins_with_one(tmp_path: Path) -> None:
    """Nothing to mend, nothing to continue."""
    assert mend(tmp_path / "none", "edge1.0") == Mended(1)


def test_a_left_over_is_sealed_and_numbers_go_on(tmp_path: Path) -> None:
    """What a killed process wrote gets its final name; the next record has the next number."""
    leave_open(tmp_path, lines_of(1, 2, 3))
    assert mend(tmp_path, "edge1.0") == Mended(4, sealed=1)
    assert names(tmp_path) == ["20261124T101501.000000Z-20261124T101503.000000Z-edge1.0-000000000001.jsonl"]


@pytest.mark.parametrize("half", [b'{"v":1,"seq":3,"ts":"2026', b"\0" * 5000, b"x" * 2_000_000])
def test_a_half_written_last_line_is_cut_off_and_counted(tmp_path: Path, half: bytes) -> None:
    """Whether the process or the machine died, whole lines stay and nothing else; the cut is told."""
    leave_open(tmp_path, lines_of(1, 2) + half)
    assert mend(tmp_path, "edge1.0") == Mended(3, sealed=1, cut_lines=1, cut_bytes=len(half))
    (path,) = tmp_path.rglob("*.jsonl")
    assert path.read_bytes() == lines_of(1, 2)
    assert len(names(tmp_path)) == 1


def test_a_reader_that_has_the_file_open_does_not_see_it_shrink(tmp_path: Path) -> None:
    """Mending works on a copy, so offsets a reader has noted stay good."""
    content = lines_of(1) + b"half"
    file = os.open(leave_open(tmp_path, content), os.O_RDONLY)
    mend(tmp_path, "edge1.0")
    assert os.pread(file, len(content) + 1, 0) == content
    os.close(file)


def test_a_left_over_without_a_whole_line_disappears(tmp_path: Path) -> None:
    """Nothing in it can be used."""
    leave_open(tmp_path, b'{"v":')
    assert mend(tmp_path, "edge1.0") == Mended(1, cut_lines=1, cut_bytes=5)
    assert names(tmp_path) == []


def test_lines_of_no_record_are_kept(tmp_path: Path) -> None:
    """Mending judges no content: what is no record is the reader's to name."""
    leave_open(tmp_path, b"what is this\n")
    mend(tmp_path, "edge1.0")
    assert names(tmp_path) == ["20261124T101500.000000Z-20261124T101500.000000Z-edge1.0-000000000001.jsonl"]


def test_others_segments_are_left_alone(tmp_path: Path) -> None:
    """Each writer mends its own; the numbers of others do not count."""
    other = leave_open(tmp_path, lines_of(50), writer="edge1.1", seq=50)
    assert mend(tmp_path, "edge1.0") == Mended(1)
    assert other.exists()


def test_what_a_living_process_writes_is_left_alone(tmp_path: Path) -> None:
    """A worker that is still draining keeps its segment; its lock says so."""
    path = leave_open(tmp_path, lines_of(1) + b"half")
    file = os.open(path, os.O_RDONLY)
    fcntl.flock(file, fcntl.LOCK_EX)
    assert mend(tmp_path, "edge1.0").sealed == 0
    assert path.exists()
    os.close(file)
    assert mend(tmp_path, "edge1.0").sealed == 1


def test_numbers_go_on_after_sealed_segments_too(tmp_path: Path) -> None:
    """A clean stop and a start make no number twice."""
    write_journal(tmp_path, [record_at(n) for n in range(5)])
    assert mend(tmp_path, "edge1.0") == Mended(6)


def test_what_cannot_be_mended_is_named_and_does_not_stop_the_start(tmp_path: Path) -> None:
    """A directory in the place of a left-over is a problem with a path, not an exception."""
    (tmp_path / "2026-11-24" / open_name(OPENED, "edge1.0", 9)).mkdir(parents=True)
    mended = mend(tmp_path, "edge1.0")
    assert mended.sealed == 0
    assert "000000000009.jsonl.open" in mended.problems[0]


def test_probing_makes_the_directory_and_leaves_nothing_in_it(tmp_path: Path) -> None:
    """A fresh machine needs no mkdir."""
    probe(tmp_path / "var" / "journal")
    assert list((tmp_path / "var" / "journal").iterdir()) == []


def test_an_unwritable_directory_stops_the_start_with_its_name(tmp_path: Path) -> None:
    """The message says which directory and why."""
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match=r"journal directory .*file/journal: cannot write there: Not a directory"):
        probe(tmp_path / "file" / "journal")
    with pytest.raises(StartError, match="cannot write there"):
        probe(Path("/proc/shieldproxy"))
