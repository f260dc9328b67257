from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.record import Record
from shieldproxy.journal.segment_writer import Rotation
from tests.fakes.clock import HandClock
from tests.fakes.disk import full_at
from tests.fakes.records import TEN_FIFTEEN, record_at, segment_writer


@pytest.fixture
def clock() -> HandClock:
    return HandClock(TEN_FIFTEEN)


def written(directory: Path) -> list[dict[str, object]]:
    """Return all lines of the journal in the order of their names, sealed or not."""
    files = sorted(path for path in directory.rglob("*.jsonl*"))
    return [orjson.loads(line) for path in files for line in path.read_bytes().splitlines()]


def sealed(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.rglob("*.jsonl"))


def test_records_are_numbered_in_order(tmp_path: Path) -> None:
    """One after the other, also over several calls."""
    writer = segment_writer(tmp_path)
    assert writer.write([record_at(0), record_at(1)]) == 2
    assert writer.write([record_at(2)]) == 1
    writer.close()
    assert [fields["seq"] for fields in written(tmp_path)] == [1, 2, 3]


def test_numbers_go_on_in_the_next_run(tmp_path: Path) -> None:
    """A restart leaves no gap and no number twice."""
    for run in range(3):
        writer = segment_writer(tmp_path, clock=HandClock(TEN_FIFTEEN + 100 * run))
        writer.write([record_at(100 * run), record_at(100 * run + 1)])
        writer.close()
    assert [fields["seq"] for fields in written(tmp_path)] == [1, 2, 3, 4, 5, 6]


def test_without_records_there_is_no_file(tmp_path: Path) -> None:
    """A quiet night leaves no empty segments."""
    writer = segment_writer(tmp_path)
    assert writer.write([]) == 0
    writer.seal_when_due()
    writer.close()
    assert list(tmp_path.rglob("*")) == []


def test_a_segment_is_sealed_when_it_is_old(tmp_path: Path, clock: HandClock) -> None:
    """A minute after its first record, not before, and also when nothing follows."""
    writer = segment_writer(tmp_path, clock=clock, rotation=Rotation(age=60.0))
    writer.write([record_at(0)])
    clock.advance(59.9)
    writer.seal_when_due()
    assert sealed(tmp_path) == []
    clock.advance(0.1)
    writer.seal_when_due()
    assert len(sealed(tmp_path)) == 1
    writer.write([record_at(60)])
    writer.close()
    assert [name[-18:-6] for name in sealed(tmp_path)] == ["000000000001", "000000000002"]


def test_a_segment_is_sealed_when_it_is_large(tmp_path: Path) -> None:
    """A flood makes more files, not larger ones."""
    writer = segment_writer(tmp_path, rotation=Rotation(size=2000))
    for second in range(10):
        writer.write([record_at(second)])
        writer.seal_when_due()
    writer.close()
    assert len(sealed(tmp_path)) > 2
    assert [fields["seq"] for fields in written(tmp_path)] == list(range(1, 11))


def test_a_day_has_its_own_directory(tmp_path: Path) -> None:
    """The day of opening in UTC, so that a month is twelve months later still found by name."""
    clock = HandClock(TEN_FIFTEEN)
    writer = segment_writer(tmp_path, clock=clock)
    for day in range(3):
        writer.write([record_at(86_400 * day)])
        clock.advance(86_400)
        writer.seal_when_due()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-11-24", "2026-11-25", "2026-11-26"]


def test_two_segments_opened_in_one_microsecond_are_two(tmp_path: Path) -> None:
    """A clock that stands still costs no record."""
    writer = segment_writer(tmp_path)
    for _ in range(3):
        writer.next_seq = 1
        writer.write([record_at()])
        writer._segment = None  # as if sealing had failed: the file stays
    assert len(written(tmp_path)) == 3


def test_a_full_disk_uses_no_number(tmp_path: Path) -> None:
    """The batch that failed is as if it had never been tried; the next try writes it all."""
    writer = segment_writer(tmp_path)
    writer.write([record_at(0)])
    with full_at(2000), pytest.raises(OSError, match="too large"):
        writer.write([record_at(n) for n in range(1, 5)])
    assert writer.write([record_at(n) for n in range(1, 5)], 7) == 4
    writer.close()
    assert [(fields["seq"], fields["lost_before"]) for fields in written(tmp_path)] == [
        (1, 0), (2, 7), (3, 0), (4, 0), (5, 0),
    ]  # fmt: skip


def test_a_directory_that_becomes_a_file_is_an_os_error(tmp_path: Path) -> None:
    """Nothing is written, nothing hangs, and when the place is back so are the records."""
    place = tmp_path / "journal"
    writer = segment_writer(place)
    place.touch()
    with pytest.raises(OSError, match="journal"):
        writer.write([record_at(0)])
    place.unlink()
    assert writer.write([record_at(0)]) == 1
    writer.close()


def test_a_deleted_segment_is_begun_anew(tmp_path: Path) -> None:
    """An operator may delete the journal under a running node; the next record is in a file again."""
    writer = segment_writer(tmp_path, clock=HandClock(TEN_FIFTEEN))
    writer.write([record_at(0)])
    (path,) = tmp_path.rglob("*.open")
    path.unlink()
    path.parent.rmdir()
    writer.write([record_at(1)])
    writer.close()
    assert [fields["seq"] for fields in written(tmp_path)] == [2]


def test_what_json_cannot_say_is_counted_and_costs_nobody_else(tmp_path: Path) -> None:
    """The records beside it are written, in order and without a gap in numbers."""
    writer = segment_writer(tmp_path)
    assert writer.write([record_at(0), record_at(1, bytes_out=1 << 70, weight=3), record_at(2)]) == 2
    assert writer.refused == 3
    assert writer.write([record_at(3, bytes_in=1 << 70)]) == 0
    writer.close()
    assert [fields["seq"] for fields in written(tmp_path)] == [1, 2]


def test_writers_side_by_side_do_not_meet(tmp_path: Path) -> None:
    """Workers and nodes that share a directory each have their files, at the same moment."""
    writers = [segment_writer(tmp_path, f"edge{n}.{worker}") for n in (1, 2) for worker in (0, 1)]
    for second in range(5):
        for writer in writers:
            writer.write([record_at(second)])
    for writer in writers:
        writer.close()
    assert len(sealed(tmp_path)) == 4
    assert len(written(tmp_path)) == 20


@given(st.lists(st.lists(st.floats(0, 1e6).map(record_at), max_size=5), max_size=8), st.integers(200, 5000))
def test_everything_put_in_comes_out(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[Record]], size: int
) -> None:
    """However records are batched and segments cut, the journal holds each once, in order."""
    directory = tmp_path_factory.mktemp("journal")
    writer = segment_writer(directory, rotation=Rotation(size=size))
    for batch in batches:
        writer.write(batch)
        writer.seal_when_due()
    writer.close()
    found = sorted(written(directory), key=lambda fields: str(fields["seq"]).zfill(9))
    assert [fields["ts"] for fields in found] == [record.ts for batch in batches for record in batch]


def test_lines_that_are_encoded_already_are_numbered_on(tmp_path: Path) -> None:
    """An import writes its lines itself; records that follow have the next numbers."""
    writer = segment_writer(tmp_path)
    first, second = record_at(), record_at(1)
    writer.write_lines(b'{"seq":1}\n{"seq":2}\n', 2, first.ts, second.ts)
    assert writer.next_seq == 3
    writer.write([second])
    writer.close()
    (segment,) = tmp_path.glob("*/*.jsonl")
    assert [orjson.loads(line)["seq"] for line in segment.read_bytes().splitlines()] == [1, 2, 3]
