from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.record import Record, rfc3339
from shieldproxy.journal import reader as room
from shieldproxy.journal.filters import NOT_ADMITTED, Filter, parse_client
from shieldproxy.journal.reader import NAMED, Reader, open_segment_file
from shieldproxy.journal.segment_writer import Rotation
from shieldproxy.journal.segments import Segment, segments_of
from tests.fakes.clock import HandClock
from tests.fakes.records import TEN_FIFTEEN, record_at, segment_writer, write_journal


def times(reader: Reader, wanted: Filter, *, newest: bool = False) -> list[str]:
    return [fields["ts"] for fields in reader.records(wanted, newest=newest)]


def at(second: float) -> str:
    return rfc3339(TEN_FIFTEEN + second)


# For each writer its records as (pause before it, how long it waited to be written): sums and slow disks come late.
histories = st.lists(
    st.lists(
        st.tuples(st.sampled_from((0.0, 0.5, 7.0, 70.0, 90_000.0)), st.sampled_from((0.0, 1.0, 12.0))), max_size=12
    ),
    min_size=1,
    max_size=3,
)


@given(history=histories, newest=st.booleans(), skip=st.integers(0, 30), keep=st.integers(0, 30))
def test_records_of_many_writers_come_in_time_order(
    tmp_path_factory: pytest.TempPathFactory,
    history: list[list[tuple[float, float]]],
    *,
    newest: bool,
    skip: int,
    keep: int,
) -> None:
    """Across workers, segments and midnight, with late ones among them: each once, by ts, from either end."""
    directory = tmp_path_factory.mktemp("journal")
    put = []
    for worker, steps in enumerate(history):
        clock = HandClock(TEN_FIFTEEN)
        writer = segment_writer(directory, f"edge1.{worker}", clock=clock, rotation=Rotation(age=60.0, size=3000))
        for pause, late in steps:
            writer.seal_when_due()
            clock.advance(pause)
            record = record_at(clock.now - TEN_FIFTEEN - late)
            writer.write([record])
            put.append(record.ts)
        if worker != 1:
            writer.close()
    put.sort()
    since, until = (put[skip] if skip < len(put) else ""), (put[-1 - keep] if keep < len(put) else "")
    wanted = Filter(since=since, until=until)
    expected = [ts for ts in put if ts >= since and (not until or ts <= until)]
    reader = Reader(directory)
    assert times(reader, wanted, newest=newest) == (expected[::-1] if newest else expected)
    assert sorted(fields["ts"] for fields in reader.scan(wanted)) == expected
    assert reader.broken == 0


def test_a_record_comes_back_as_it_was_put(tmp_path: Path) -> None:
    """What was written down months ago is what was decided."""
    put = [record_at(n, path=f"/{n}", weight=n + 1) for n in range(5)]
    write_journal(tmp_path, put)
    found = [Record.from_dict(fields) for fields in Reader(tmp_path).records(Filter())]
    assert found == [record._replace(seq=n + 1) for n, record in enumerate(put)]


def test_the_newest_are_found_without_reading_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last fifty of months are in the last segments; older ones are not even opened."""
    clock = HandClock(TEN_FIFTEEN)
    writer = segment_writer(tmp_path, clock=clock)
    for minute in range(30):
        writer.write([record_at(60 * minute + second) for second in range(10)])
        writer.close()
        clock.advance(60)
    opened = []

    def opening(directory: Path, segment: Segment) -> tuple[int, Segment] | None:
        opened.append(segment.name)
        return open_segment_file(directory, segment)

    monkeypatch.setattr(room, "open_segment_file", opening)
    newest = list(itertools.islice(Reader(tmp_path).records(Filter(), newest=True), 25))
    assert newest[0]["ts"] == at(29 * 60 + 9)
    assert len(opened) <= 4


def test_filters_are_applied_to_every_record(tmp_path: Path) -> None:
    """Records that are not asked for do not come, in any way of reading."""
    write_journal(
        tmp_path, [record_at(n, action="admit" if n % 2 else "drop", client=f"192.0.2.{n}") for n in range(10)]
    )
    reader = Reader(tmp_path)
    wanted = Filter(actions=NOT_ADMITTED)
    assert times(reader, wanted) == [at(n) for n in range(0, 10, 2)]
    assert len(list(reader.scan(wanted))) == 5
    assert times(reader, Filter(clients=parse_client("192.0.2.3")), newest=True) == [at(3)]


def test_open_segments_are_read_too(tmp_path: Path) -> None:
    """The last minute counts; a line that is being written does not count as broken."""
    writer = segment_writer(tmp_path)
    writer.write([record_at(0), record_at(1)])
    (path,) = tmp_path.rglob("*.open")
    with path.open("ab") as file:
        file.write(b'{"v":1,"seq":3,"ts":"20')
    reader = Reader(tmp_path)
    assert times(reader, Filter()) == [at(0), at(1)]
    assert len(list(reader.scan(Filter()))) == 2
    assert reader.broken == 0


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"v":1,"seq":3,"ts":"2026-11-24T10:15:', "no JSON"),
        (b"", "no JSON"),
        (b"\0\0\0\0", "no JSON"),
        (b"[1,2]", "no record"),
        (b"{}", "no record"),
        (b'{"ts":5}', "no record"),
        (b'{"v":1,"seq":3,"ts":"2026-11-24T10:15:00.500000Z","path":5}', "no record"),
    ],
)
def test_a_broken_line_is_counted_and_named_and_never_fatal(tmp_path: Path, line: bytes, why: str) -> None:
    """The records around it come; the reader says where to look."""
    write_journal(tmp_path, [record_at(0), record_at(1)])
    (path,) = tmp_path.rglob("*.jsonl")
    first, second = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join((first, line, second, b"")))
    for newest in (False, True):
        reader = Reader(tmp_path)
        assert len(times(reader, Filter(paths=("/search",)), newest=newest)) == 2
        assert reader.broken == 1
        (named,) = reader.broken_lines
        assert named.startswith(f"{path}:2: {why}")


def test_names_of_broken_lines_are_bounded(tmp_path: Path) -> None:
    """A ruined segment fills no memory with complaints."""
    write_journal(tmp_path, [record_at(0)])
    (path,) = tmp_path.rglob("*.jsonl")
    path.write_bytes(b"x\n" * 5000)
    reader = Reader(tmp_path)
    assert times(reader, Filter()) == []
    assert reader.broken == 5000
    assert len(reader.broken_lines) == NAMED


def test_lines_of_another_program_are_read_when_they_are_records(tmp_path: Path) -> None:
    """Fields in another order, or fewer of them, are no fault."""
    write_journal(tmp_path, [record_at(5)])
    (path,) = tmp_path.rglob("*.jsonl")
    with path.open("ab") as file:
        file.write(b'{"action":"drop","ts":"%s","id":"x"}\n' % at(5.5).encode())
    assert times(Reader(tmp_path), Filter(actions=NOT_ADMITTED, since=at(5))) == [at(5), at(5.5)]


def test_a_request_is_found_by_its_id(tmp_path: Path) -> None:
    """Among many records, also when its answer took a while, also while it is not sealed."""
    clock = HandClock(TEN_FIFTEEN)
    writer = segment_writer(tmp_path, clock=clock)
    second = int(TEN_FIFTEEN)
    for minute in range(5):
        writer.write([record_at(60 * minute, id=f"{second + 60 * minute:x}.0.{n:x}") for n in range(20)])
        clock.advance(60)
        writer.seal_when_due()
    writer.write([record_at(400, id=f"{second + 130:x}.3.slow"), record_at(401, id=f"{second + 401:x}.0.0")])
    reader = Reader(tmp_path)
    for request_id in (f"{second + 120:x}.0.7", f"{second + 130:x}.3.slow", f"{second + 401:x}.0.0"):
        found = reader.find(request_id)
        assert found is not None
        assert found["id"] == request_id
    for request_id in (f"{second + 120:x}.0.77", "ffffffff.0.0", "00000000.0.0", "x", "", 'a"b', "\udc80"):
        assert reader.find(request_id) is None


def test_only_segments_around_the_moment_of_an_id_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ID of months ago costs no more than one of today."""
    clock = HandClock(TEN_FIFTEEN)
    writer = segment_writer(tmp_path, clock=clock)
    for hour in range(30):
        writer.write([record_at(3600 * hour, id=f"{int(TEN_FIFTEEN) + 3600 * hour:x}.0.1")])
        writer.close()
        clock.advance(3600)
    opened = []

    def opening(directory: Path, segment: Segment) -> tuple[int, Segment] | None:
        opened.append(segment.name)
        return open_segment_file(directory, segment)

    monkeypatch.setattr(room, "open_segment_file", opening)
    assert Reader(tmp_path).find(f"{int(TEN_FIFTEEN) + 3600 * 7:x}.0.1") is not None
    assert len(opened) == 1


def test_a_segment_that_is_sealed_meanwhile_is_found_under_its_new_name(tmp_path: Path) -> None:
    """Between listing and opening a name may change; one that was deleted is passed over."""
    writer = segment_writer(tmp_path)
    writer.write([record_at(0)])
    (listed,) = segments_of(tmp_path, "2026-11-24")
    writer.close()
    opened = open_segment_file(tmp_path, listed)
    assert opened is not None
    os.close(opened[0])
    assert opened[1].sealed
    opened[1].path.unlink()
    assert open_segment_file(tmp_path, listed) is None


def test_reading_leaves_no_file_open(tmp_path: Path) -> None:
    """Also when the reader stops in the middle."""
    write_journal(tmp_path, [record_at(n) for n in range(5)])
    before = len(list(Path("/proc/self/fd").iterdir()))
    reader = Reader(tmp_path)
    for reading in (reader.records(Filter()), reader.scan(Filter())):
        next(reading)
        reading.close()  # type: ignore[attr-defined]
    assert len(list(Path("/proc/self/fd").iterdir())) == before
