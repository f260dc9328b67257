from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core import ports
from shieldproxy.core.errors import StartError
from shieldproxy.core.record import Record
from shieldproxy.journal.filters import Filter
from shieldproxy.journal.reader import Reader
from shieldproxy.journal.segment_writer import SegmentWriter
from shieldproxy.journal.writer import SINGLY, SLICE, Journal
from tests.fakes.clock import HandClock
from tests.fakes.disk import full_at
from tests.fakes.records import TEN_FIFTEEN, record_at

# The thread never wakes by itself: the test drains by hand, or close() does.
NEVER = 3600.0


class Desk:
    """A journal on a clock moved by hand, and what it reported."""

    def __init__(self, directory: Path, queue: int = 1000, interval: float = NEVER) -> None:
        self.directory = directory
        self.clock = HandClock(TEN_FIFTEEN)
        self.reports: list[str] = []
        segments = SegmentWriter(directory, "edge1.0", wall=self.clock, monotonic=self.clock)
        self.journal = Journal(
            segments, monotonic=self.clock, report=self.reports.append, queue=queue, interval=interval
        )

    def records(self) -> list[dict[str, object]]:
        reader = Reader(self.directory)
        found = list(reader.scan(Filter()))
        assert reader.broken == 0
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "journal")
    desk.journal.open()
    yield desk
    desk.journal.close()


def test_it_is_a_journal(desk: Desk) -> None:
    """It fits the port that guard and doors were written for."""
    port: ports.Journal = desk.journal
    port.put(record_at())
    desk.journal.close()
    assert desk.journal.written == 1


def test_nothing_is_written_in_the_callers_thread(desk: Desk) -> None:
    """Put only remembers; the disk is another thread's."""
    desk.journal.put(record_at())
    assert desk.journal.waiting == 1
    assert desk.records() == []
    desk.journal.drain()
    assert desk.journal.waiting == 0
    assert [fields["seq"] for fields in desk.records()] == [1]


def test_the_thread_writes_by_itself(tmp_path: Path) -> None:
    """Within an interval a record is in the file, without anybody asking."""
    written = threading.Event()
    desk = Desk(tmp_path, interval=0.001)
    drain = desk.journal.drain

    def drain_and_tell() -> None:
        drain()
        if desk.journal.written:
            written.set()

    desk.journal.drain = drain_and_tell  # type: ignore[method-assign]
    desk.journal.open()
    desk.journal.put(record_at())
    assert written.wait(30)
    desk.journal.close()


def test_a_stop_writes_what_waits(desk: Desk) -> None:
    """All records of a stopped worker are in sealed segments."""
    for second in range(3 * SLICE + 5):
        desk.journal.put(record_at(second, client=f"192.0.2.{second}", action="admit"))
    desk.journal.close()
    assert desk.journal.written == 3 * SLICE + 5
    assert [fields["seq"] for fields in desk.records()] == list(range(1, 3 * SLICE + 6))
    assert list(desk.directory.rglob("*.open")) == []
    assert desk.journal.lost == 0


def test_closing_twice_or_unopened_is_no_fault(tmp_path: Path) -> None:
    """A start that failed half-way can be undone without asking how far it came."""
    desk = Desk(tmp_path)
    desk.journal.close()
    desk.journal.open()
    desk.journal.close()
    desk.journal.close()


def test_what_does_not_fit_is_counted_and_the_gap_recorded(tmp_path: Path) -> None:
    """The next written record says how many requests before it have none."""
    desk = Desk(tmp_path, queue=10)
    desk.journal.open()
    for second in range(10):
        desk.journal.put(record_at(second, action="admit"))
    desk.journal.put(record_at(10, weight=4))
    desk.journal.put(record_at(11))
    assert desk.journal.lost == 5
    desk.journal.drain()
    desk.journal.put(record_at(12, action="admit"))
    desk.journal.put(record_at(13, action="admit"))
    desk.journal.close()
    gaps = [fields["lost_before"] for fields in desk.records()]
    assert gaps == [5] + [0] * 11
    assert desk.journal.lost == 5


def test_an_unwritable_directory_stops_the_start(tmp_path: Path) -> None:
    """Before a single request is served."""
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match="cannot write there"):
        Desk(tmp_path / "file").journal.open()


def test_a_full_disk_costs_nothing_while_the_queue_has_room(desk: Desk) -> None:
    """Records wait, the trouble is reported once, and all are written when there is room again."""
    desk.journal.put(record_at(0))
    desk.journal.drain()
    with full_at(1000):
        for second in range(1, 8):
            desk.journal.put(record_at(second, action="admit"))
            desk.journal.drain()
        assert desk.journal.waiting == 7
        assert "too large" in desk.journal.problem
    desk.journal.drain()
    assert desk.journal.problem == ""
    assert [fields["seq"] for fields in desk.records()] == list(range(1, 9))
    assert desk.journal.lost == 0
    assert len(desk.reports) == 2
    assert "cannot write, requests go on" in desk.reports[0]
    assert "works again" in desk.reports[1]


def test_a_disk_that_stays_full_costs_records_and_no_request(tmp_path: Path) -> None:
    """Put goes on without raising; what does not fit is lost, counted, and the gap is recorded afterwards."""
    desk = Desk(tmp_path, queue=20)
    desk.journal.open()
    with full_at(10):
        for second in range(100):
            desk.journal.put(record_at(second, action="admit"))
            desk.journal.drain()
    lost = desk.journal.lost
    assert lost > 50
    desk.journal.close()
    records = desk.records()
    assert len(records) + lost == 100
    assert sum(int(str(fields["lost_before"])) for fields in records) == lost
    assert desk.journal.lost == lost


def test_a_stop_on_a_full_disk_ends_and_counts(tmp_path: Path) -> None:
    """What could not be written is lost, and said."""
    desk = Desk(tmp_path)
    desk.journal.open()
    with full_at(10):
        desk.journal.put(record_at(0, weight=3))
        desk.journal.put(record_at(1))
        desk.journal.close()
    assert desk.journal.lost == 4
    assert "4 requests could not be written" in desk.reports[-1]


def test_a_directory_replaced_by_a_file_stops_no_request(desk: Desk) -> None:
    """The disk may do what it likes: put never raises, and writing goes on once the place is back."""
    desk.directory.rename(desk.directory.with_name("moved"))
    desk.directory.touch()
    desk.journal.put(record_at(0))
    desk.journal.drain()
    assert desk.journal.problem
    desk.directory.unlink()
    desk.journal.drain()
    assert len(desk.records()) == 1


def test_a_bug_in_writing_does_not_end_the_thread(desk: Desk) -> None:
    """Whatever a record holds, the ones after it are written and the loss is counted."""
    desk.journal.put(record_at(0)._replace(ts=5))  # type: ignore[arg-type]
    desk.journal.put(record_at(1))
    desk.journal.drain()
    assert desk.journal.lost == 2
    assert "TypeError" in desk.journal.problem
    desk.journal.put(record_at(2))
    desk.journal.drain()
    assert [fields["lost_before"] for fields in desk.records()] == [2]


def test_a_flood_becomes_few_records_with_exact_weights(desk: Desk) -> None:
    """Above the threshold refusals of one client are one record; nobody is forgotten in the sum."""
    for second in range(900):
        desk.journal.put(record_at(second / 1000, client=f"192.0.2.{second % 3}"))
    desk.journal.drain()
    assert desk.records() == []
    desk.clock.advance(10)
    desk.journal.drain()
    assert [fields["weight"] for fields in desk.records()] == [300, 300, 300]
    assert desk.journal.waiting == 0


def test_below_the_threshold_the_first_refusals_of_a_client_have_their_lines(desk: Desk) -> None:
    """Who is refused a few times finds every ID; what the same client does beyond that is one line, exact in weight."""
    for second in range(50):
        desk.journal.put(record_at(second / 1000, client=f"192.0.2.{second % 2}"))
    desk.journal.drain()
    assert [fields["weight"] for fields in desk.records()] == [1] * 2 * SINGLY
    desk.journal.close()
    assert [fields["weight"] for fields in desk.records()][2 * SINGLY :] == [25 - SINGLY] * 2


traffic = st.lists(
    st.tuples(
        st.sampled_from(("put", "put", "put", "drain", "wait")),
        st.integers(1, 40),
        st.sampled_from(("admit", "throttle", "drop")),
        st.sampled_from(("192.0.2.1", "192.0.2.2")),
    ),
    max_size=25,
)


@given(traffic, st.integers(20, 120))
def test_weights_and_losses_add_up_to_the_requests_put(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, str, str]], queue: int
) -> None:
    """Whatever comes, in whatever rhythm: records by weight plus counted losses are the requests, by action too."""
    desk = Desk(tmp_path_factory.mktemp("journal"), queue=queue)
    desk.journal.open()
    put: Counter[str] = Counter()
    for step, amount, action, client in steps:
        if step == "put":
            for _ in range(amount):
                desk.journal.put(record_at(action=action, client=client))
            put[action] += amount
        elif step == "drain":
            desk.journal.drain()
        else:
            desk.clock.advance(amount)
    desk.journal.close()
    found: Counter[str] = Counter()
    told = 0
    for fields in desk.records():
        record = Record.from_dict(fields)
        found[record.action] += record.weight
        told += record.lost_before
    assert found.total() + desk.journal.lost == put.total()
    assert all(found[action] <= put[action] for action in found)
    assert told <= desk.journal.lost
    if not desk.journal.lost:
        assert found == put
