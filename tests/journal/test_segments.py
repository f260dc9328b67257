from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.record import rfc3339
from shieldproxy.journal.segments import (
    LATER,
    compact,
    days,
    expanded,
    named,
    newest_first,
    oldest_first,
    open_name,
    sealed_name,
    segments_of,
    shifted,
    well_formed,
    writer_name,
)

moments = st.floats(0, 4_000_000_000).map(rfc3339)


def sealed(directory: Path, first: str, last: str, writer: str = "a.0", seq: int = 1) -> None:
    """Make an empty sealed segment in the day of its first record."""
    day = directory / first[:10]
    day.mkdir(exist_ok=True)
    (day / sealed_name(first, last, writer, seq)).touch()


def at(clock: str, day: str = "2026-11-24") -> str:
    return f"{day}T{clock}.000000Z"


@given(moments)
def test_a_stamp_is_the_ts(ts: str) -> None:
    """Names carry the time of records without losing a microsecond."""
    assert expanded(compact(ts)) == ts


@given(moments, moments)
def test_names_sort_by_time(first: str, second: str) -> None:
    """A listing by name is a listing by time."""
    assert (open_name(first, "a.0", 9) < open_name(second, "a.0", 1)) == (first < second) or first == second


@given(moments, moments, st.integers(0, 10**15), st.text(), st.integers(0, 99))
def test_a_name_says_what_made_it(first: str, last: str, seq: int, node: str, worker: int) -> None:
    """Whatever a node is called, its file names are safe and are read back."""
    writer = writer_name(node, worker)
    name = sealed_name(first, last, writer, seq)
    segment = named(Path(), name, 5)
    assert segment is not None
    assert (segment.first, segment.last, segment.writer, segment.seq, segment.sealed) == (
        first,
        last,
        writer,
        seq,
        True,
    )
    assert "/" not in name
    assert name.isascii()
    assert len(name) < 160


def test_of_an_open_segment_the_span_is_not_known() -> None:
    """It may hold anything: no span of time passes it over."""
    segment = named(Path(), open_name(at("10:00:00"), "a.0", 1), 5)
    assert segment is not None
    assert (segment.first, segment.last, segment.sealed) == ("", LATER, False)


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        ".mending-x",
        "20261124T100000.000000Z-a.0-000000000001.jsonl",
        "20261124T100000.000000Z-20261124T100001.000000Z-a.0-000000000001.jsonl.gz",
        "20261124T100000.000000Z-20261124T100001.000000Z-a.0-1.jsonl",
        "20261124T100000.000000Z-20261124T100001.000000Z-a/0-000000000001.jsonl",
    ],
)
def test_files_of_others_are_no_segments(name: str) -> None:
    """What an operator leaves in the directory is left alone."""
    assert named(Path(), name, 5) is None


@pytest.mark.parametrize("text", ["", "2026-11-24", "2026-11-24T10:15:00Z", "2026-11-24 10:15:00.000000Z"])
def test_a_time_written_otherwise_gets_no_name(text: str) -> None:
    """It would not sort."""
    assert not well_formed(text)
    with pytest.raises(ValueError, match="2026-11-24T10:15"):
        compact(text)


def test_shifting_stays_at_the_ends_of_the_calendar() -> None:
    """No time makes the reader raise."""
    assert shifted(at("10:00:00"), -3600) == at("09:00:00")
    assert shifted("9999-12-31T23:59:59.000000Z", 10) == "9999-12-31T23:59:59.000000Z"
    assert shifted("2026-13-99T00:00:00.000000Z", 10) == "2026-13-99T00:00:00.000000Z"


def test_a_journal_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    """Neither a missing directory nor a file in its place is an error for a reader."""
    (tmp_path / "file").touch()
    for place in (tmp_path / "none", tmp_path / "file"):
        assert days(place) == []
        assert segments_of(place, "2026-11-24") == []
        assert list(oldest_first(place, "", "")) == []


def test_segments_come_in_order_also_over_midnight(tmp_path: Path) -> None:
    """By first record from the oldest, by last record from the newest, across days and writers."""
    spans = [
        ("2026-11-23T23:59:00.000000Z", "2026-11-24T00:00:30.000000Z"),
        ("2026-11-24T00:00:01.000000Z", "2026-11-24T00:00:03.000000Z"),
        ("2026-11-24T00:00:03.000000Z", "2026-11-24T00:01:03.000000Z"),
        ("2026-11-25T00:00:00.000000Z", "2026-11-25T00:01:00.000000Z"),
    ]
    for seq, (first, last) in enumerate(spans):
        sealed(tmp_path, first, last, f"w.{seq % 2}", seq)
    assert [(s.first, s.last) for s in oldest_first(tmp_path, "", "")] == spans
    newest = [s.last for s in newest_first(tmp_path, "", "")]
    assert newest == sorted(newest, reverse=True)
    assert len(newest) == 4


def test_a_segment_that_begins_before_its_day_stands_in_its_place(tmp_path: Path) -> None:
    """A sum of yesterday that was written today does not come after today's records."""
    day = tmp_path / "2026-11-24"
    day.mkdir()
    (day / sealed_name("2026-11-23T23:59:55.000000Z", at("00:01:00"), "a.0", 2)).touch()
    sealed(tmp_path, "2026-11-23T23:59:57.000000Z", "2026-11-23T23:59:59.000000Z", "b.0", 1)
    assert [s.writer for s in oldest_first(tmp_path, "", "")] == ["a.0", "b.0"]


def test_only_segments_that_touch_the_span_are_given(tmp_path: Path) -> None:
    """Both ends count; what ends before or begins after is passed over."""
    for hour in range(8, 14):
        sealed(tmp_path, at(f"{hour:02}:00:00"), at(f"{hour:02}:59:59"), seq=hour)
    found = [s.seq for s in oldest_first(tmp_path, at("09:59:59"), at("11:00:00"))]
    assert found == [9, 10, 11]
    assert [s.seq for s in newest_first(tmp_path, at("09:59:59"), at("11:00:00"))] == [11, 10, 9]


def test_a_file_seen_under_both_names_is_given_once(tmp_path: Path) -> None:
    """A segment that is sealed while the day is listed is one segment, under its final name."""
    day = tmp_path / "2026-11-24"
    day.mkdir()
    (day / open_name(at("10:00:00"), "a.0", 1)).touch()
    (day / sealed_name(at("10:00:00"), at("10:00:59"), "a.0", 1)).hardlink_to(day / open_name(at("10:00:00"), "a.0", 1))
    assert [s.sealed for s in segments_of(tmp_path, "2026-11-24")] == [True]
