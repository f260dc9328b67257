"""Packing: what is compressed reads as before, and is never all there is until it was read back."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from backports import zstd

from shieldproxy.core.record import rfc3339
from shieldproxy.journal import packing
from shieldproxy.journal.filters import Filter
from shieldproxy.journal.following import Follower
from shieldproxy.journal.packing import forms_of, open_plain, pack, pack_before
from shieldproxy.journal.reader import Reader, open_segment_file
from shieldproxy.journal.retention import forget_before
from shieldproxy.journal.segments import files_of, segments_of
from tests.fakes.records import TEN_FIFTEEN, record_at, write_journal

FAR = rfc3339(TEN_FIFTEEN + 86_400)
DAY = "2026-11-24"


def plain_of(path: Path) -> bytes:
    """Return what ``open_plain`` gives."""
    file = open_plain(path)
    try:
        return os.pread(file, os.fstat(file).st_size, 0)
    finally:
        os.close(file)


def packed_journal(journal: Path) -> Path:
    """Return a journal of one packed segment, and its file."""
    write_journal(journal, [record_at(n, id=f"{int(TEN_FIFTEEN) + n:x}.0.{n}") for n in range(300)])
    pack_before(journal, FAR, lambda _segment: True)
    pack_before(journal, FAR, lambda _segment: True)
    (path,) = (journal / DAY).iterdir()
    assert path.name.endswith(".jsonl.zst")
    return path


def test_a_packed_segment_reads_as_it_was_written(tmp_path: Path) -> None:
    """Byte for byte, in a tenth of the room; the rights of the file stay."""
    write_journal(tmp_path, [record_at(n) for n in range(300)])
    (path,) = (tmp_path / DAY).iterdir()
    packed = pack(path)
    assert plain_of(packed) == plain_of(path) == path.read_bytes()
    assert packed.stat().st_size < path.stat().st_size / 10
    assert packed.stat().st_mode == path.stat().st_mode
    assert forms_of(path) == [packed, path]
    assert sorted(entry.name for entry in (tmp_path / DAY).iterdir()) == [path.name, packed.name]


def test_every_way_to_read_reads_packed_segments(tmp_path: Path) -> None:
    """In order, backwards, as they stand, and one by its ID; the names of lines are those of the file."""
    packed_journal(tmp_path)
    reader = Reader(tmp_path)
    assert [fields["seq"] for fields in reader.records(Filter())] == list(range(1, 301))
    assert [fields["seq"] for fields in reader.records(Filter(), newest=True)] == list(range(300, 0, -1))
    assert sum(1 for _ in reader.scan(Filter())) == 300
    found = reader.find(f"{int(TEN_FIFTEEN) + 7:x}.0.7")
    assert found is not None
    assert found["seq"] == 8


def test_only_what_is_old_and_sealed_is_packed(tmp_path: Path) -> None:
    """A segment that no log has sealed yet, or that is read by everybody still, stays as it is."""
    write_journal(tmp_path, [record_at(1)])
    assert pack_before(tmp_path, rfc3339(TEN_FIFTEEN), lambda _segment: True).segments == 0
    assert pack_before(tmp_path, FAR, lambda _segment: False).segments == 0
    found = pack_before(tmp_path, FAR, lambda _segment: True)
    assert (found.segments, found.problems) == (1, ())


def test_the_plain_file_stays_for_a_round(tmp_path: Path) -> None:
    """Whoever saw it in a listing finds it; a listing names the segment once all the while."""
    write_journal(tmp_path, [record_at(1)])
    (listed,) = segments_of(tmp_path, DAY)
    pack_before(tmp_path, FAR, lambda _segment: True)
    assert len(files_of(tmp_path, DAY)) == 2
    assert [segment.packed for segment in segments_of(tmp_path, DAY)] == [True]
    pack_before(tmp_path, FAR, lambda _segment: True)
    assert len(files_of(tmp_path, DAY)) == 1
    opened = open_segment_file(tmp_path, listed)
    assert opened is not None
    os.close(opened[0])
    assert opened[1].packed


def test_who_follows_sees_nothing_twice(tmp_path: Path) -> None:
    """A new file that holds what was read is no news."""
    write_journal(tmp_path, [record_at(1)])
    follower = Follower(tmp_path, Filter())
    pack_before(tmp_path, FAR, lambda _segment: True)
    assert follower.poll() == []
    pack_before(tmp_path, FAR, lambda _segment: True)
    assert follower.poll() == []


def test_a_round_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left over waits for the next."""
    for number in range(4):
        write_journal(tmp_path, [record_at(number)], f"edge1.{number}")
    monkeypatch.setattr(packing, "MOST_BYTES", 100)
    assert [pack_before(tmp_path, FAR, lambda _segment: True).segments for _ in range(5)] == [1, 1, 1, 1, 0]
    assert len(files_of(tmp_path, DAY)) == 4


def test_what_does_not_read_back_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that lies costs the saving, never the records; nothing is left of the attempt."""
    write_journal(tmp_path, [record_at(1)])
    monkeypatch.setattr(packing, "_same", lambda _plain, _packed: False)
    (problem,) = pack_before(tmp_path, FAR, lambda _segment: True).problems
    assert "does not read back" in problem
    (path,) = (tmp_path / DAY).iterdir()
    assert path.suffix == ".jsonl"


@pytest.mark.parametrize("keep", [0, 3, 20, 200])
def test_a_packed_segment_that_is_cut_off_gives_what_is_left(tmp_path: Path, keep: int) -> None:
    """As a plain one would: whoever checks the digest finds it, nobody else fails."""
    path = packed_journal(tmp_path)
    whole = plain_of(path)
    path.write_bytes(path.read_bytes()[:keep])
    assert whole.startswith(plain_of(path))
    assert sum(1 for _ in Reader(tmp_path).scan(Filter())) < 300


def test_garbage_under_a_packed_name_is_nothing(tmp_path: Path) -> None:
    """Reading goes on with the other segments."""
    path = packed_journal(tmp_path)
    path.write_bytes(os.urandom(500))
    write_journal(tmp_path, [record_at(1)], "edge1.1")
    assert [fields["seq"] for fields in Reader(tmp_path).scan(Filter())] == [1]


def test_a_large_segment_is_unpacked_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory holds what is usual; the file has no name and goes when it is closed."""
    path = packed_journal(tmp_path / "journal")
    monkeypatch.setattr(packing, "MOST_IN_MEMORY", 100)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    whole = plain_of(path)
    assert whole.count(b"\n") == 300
    assert [entry.name for entry in tmp_path.iterdir()] == ["journal"]


def test_several_frames_are_one_segment(tmp_path: Path) -> None:
    """As the program zstd would write them."""
    path = tmp_path / "any.jsonl.zst"
    path.write_bytes(zstd.compress(b"one\n") + zstd.compress(b"two\n"))
    assert plain_of(path) == b"one\ntwo\n"


def test_retention_deletes_both_forms(tmp_path: Path) -> None:
    """The plain file of before does not outlive the packed one."""
    write_journal(tmp_path, [record_at(1)])
    pack_before(tmp_path, FAR, lambda _segment: True)
    assert forget_before(tmp_path, FAR).segments == 1
    assert not (tmp_path / DAY).exists() or not list((tmp_path / DAY).iterdir())
