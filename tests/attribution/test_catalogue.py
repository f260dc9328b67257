from __future__ import annotations

from pathlib import Path

import pytest

from shieldproxy.attribution.catalogue import (
    Entry,
    Gone,
    catalogued_days,
    files_by_day,
    overlapping,
    present,
    read_day,
    read_gone,
    stem_of,
    write_day,
)
from tests.fakes.records import record_at, write_journal

ENTRY = Entry("2026-11-24/10-abc.parquet", 3, "2026-11-24T10:15:00.000000Z", "2026-11-24T10:16:00.000000Z", ("a", "b"))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """One file a day; a day without entries has none."""
    write_day(tmp_path, "2026-11-24", {"2026-11-24T10": ENTRY})
    assert read_day(tmp_path, "2026-11-24") == {"2026-11-24T10": ENTRY}
    assert catalogued_days(tmp_path) == ["2026-11-24"]
    write_day(tmp_path, "2026-11-24", {})
    assert catalogued_days(tmp_path) == []


@pytest.mark.parametrize("text", ["", "[]", '{"version": 99, "hours": {}}', '{"version": 1, "hours": {"x": {}}}', "{"])
def test_what_is_broken_or_of_another_version_counts_as_missing(tmp_path: Path, text: str) -> None:
    """It is rebuilt then; the segments are the truth."""
    (tmp_path / "2026-11-24.json").write_text(text)
    assert read_day(tmp_path, "2026-11-24") == {}


def test_no_index_is_an_empty_one(tmp_path: Path) -> None:
    """Before the first update nothing is there."""
    assert catalogued_days(tmp_path / "index") == []
    assert read_day(tmp_path / "index", "2026-11-24") == {}


def test_a_segment_is_present_once_however_it_is_stored(tmp_path: Path) -> None:
    """Packed it keeps its name; with pseudonyms it is another one, in place of the first; an open one is none."""
    write_journal(tmp_path, [record_at(), record_at(1)])
    ((_, (file,)),) = files_by_day(tmp_path)
    name = stem_of(file)
    assert present([file, f"{file}.zst"]) == {name: f"{file}.zst"}
    assert present([file, f"{name}.pseudo.jsonl.zst"]) == {f"{name}.pseudo": f"{name}.pseudo.jsonl.zst"}
    assert present([f"{file}.open", "index", f"{file}.new"]) == {}


def test_what_others_took_the_place_of_is_remembered(tmp_path: Path) -> None:
    """A day of which nothing else is left has a file as long."""
    write_day(tmp_path, "2026-11-24", {}, [Gone("2026-11-24/10-a.parquet", 5.0)])
    assert read_gone(tmp_path, "2026-11-24") == [Gone("2026-11-24/10-a.parquet", 5.0)]
    assert read_day(tmp_path, "2026-11-24") == {}


def test_entries_are_chosen_by_their_span() -> None:
    """Bounds included, open ends open."""
    assert overlapping([ENTRY], "2026-11-24T10:16:00.000000Z", "") == [ENTRY]
    assert overlapping([ENTRY], "2026-11-24T10:16:00.000001Z", "") == []
    assert overlapping([ENTRY], "", "2026-11-24T10:14:00.000000Z") == []
