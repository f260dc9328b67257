from __future__ import annotations

from pathlib import Path

from shieldproxy.journal.filters import NOT_ADMITTED, Filter
from shieldproxy.journal.following import Follower
from tests.fakes.clock import HandClock
from tests.fakes.records import TEN_FIFTEEN, record_at, segment_writer, write_journal


def seconds(found: list[dict[str, object]]) -> list[float]:
    """Return when the records are from, as seconds after 10:15."""
    return [float(str(fields["ts"])[17:26]) for fields in found]


def test_only_what_is_written_from_now_on_comes(tmp_path: Path) -> None:
    """What stood there before is for ``logs`` without --follow."""
    write_journal(tmp_path, [record_at(0)])
    writer = segment_writer(tmp_path, "edge1.1")
    writer.write([record_at(1)])
    follower = Follower(tmp_path, Filter())
    assert follower.poll() == []
    writer.write([record_at(2), record_at(3)])
    assert seconds(follower.poll()) == [2, 3]
    assert follower.poll() == []


def test_sealing_and_new_segments_lose_and_double_nothing(tmp_path: Path) -> None:
    """A file that changes its name is the same file."""
    clock = HandClock(TEN_FIFTEEN)
    writer = segment_writer(tmp_path, clock=clock)
    follower = Follower(tmp_path, Filter())
    found = []
    for second in range(0, 50, 5):
        writer.write([record_at(second)])
        if second % 3 == 0:
            found += follower.poll()
        if second % 2 == 0:
            writer.close()
        clock.advance(5)
        found += follower.poll()
    assert seconds(found) == list(range(0, 50, 5))


def test_a_line_that_is_being_written_comes_when_it_is_whole(tmp_path: Path) -> None:
    """No half record, and none lost."""
    writer = segment_writer(tmp_path)
    writer.write([record_at(1)])
    (path,) = tmp_path.rglob("*.open")
    line = path.read_bytes()
    follower = Follower(tmp_path, Filter())
    with path.open("ab", buffering=0) as file:
        file.write(line[:50])
        assert follower.poll() == []
        file.write(line[50:])
    assert seconds(follower.poll()) == [1]
    assert follower.reader.broken == 0


def test_several_writers_are_put_in_order(tmp_path: Path) -> None:
    """What workers wrote between two looks comes by time."""
    writers = [segment_writer(tmp_path, f"edge1.{n}") for n in range(3)]
    follower = Follower(tmp_path, Filter())
    for n, writer in enumerate(reversed(writers)):
        writer.write([record_at(n), record_at(n + 10)])
    assert seconds(follower.poll()) == [0, 1, 2, 10, 11, 12]


def test_midnight_and_a_journal_that_begins_later(tmp_path: Path) -> None:
    """The day's directory need not be there yet."""
    clock = HandClock(TEN_FIFTEEN)
    follower = Follower(tmp_path / "journal", Filter())
    assert follower.poll() == []
    writer = segment_writer(tmp_path / "journal", clock=clock)
    writer.write([record_at(0)])
    assert len(follower.poll()) == 1
    clock.advance(86_400)
    writer.write([record_at(86_400)])
    writer.close()
    writer.write([record_at(86_401)])
    assert len(follower.poll()) == 2


def test_what_is_not_asked_for_does_not_come(tmp_path: Path) -> None:
    """The filter holds here too, and broken lines are counted."""
    writer = segment_writer(tmp_path)
    follower = Follower(tmp_path, Filter(actions=NOT_ADMITTED))
    writer.write([record_at(0, action="admit"), record_at(1)])
    (path,) = tmp_path.rglob("*.open")
    with path.open("ab") as file:
        file.write(b"oops\n")
    assert seconds(follower.poll()) == [1]
    assert follower.reader.broken == 1


def test_what_is_forgotten_leaves_no_trace(tmp_path: Path) -> None:
    """Days of following keep no memory of segments that are gone."""
    clock = HandClock(TEN_FIFTEEN)
    writer = segment_writer(tmp_path, clock=clock)
    follower = Follower(tmp_path, Filter())
    for _ in range(5):
        writer.write([record_at(0)])
        writer.close()
        follower.poll()
        for path in tmp_path.rglob("*.jsonl"):
            path.unlink()
        clock.advance(1)
    follower.poll()
    assert not follower._done
    assert not follower._read_to
