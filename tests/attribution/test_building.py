from __future__ import annotations

from pathlib import Path

from shieldproxy.attribution.building import build, files_of, first_of, last_of
from shieldproxy.attribution.catalogue import Entry, files_by_day, present
from shieldproxy.attribution.engine import connect
from tests.fakes.clock import HandClock
from tests.fakes.records import TEN_FIFTEEN, record_at, segment_writer


def written(journal: Path, second: float, client: str) -> dict[str, str]:
    """Write a segment of one record and return all segments there are, with their files."""
    writer = segment_writer(journal, clock=HandClock(TEN_FIFTEEN + second))
    writer.write([record_at(second, src_ip=client, client=client)])
    writer.close()
    return {name: f"{place}/{file}" for place, files in files_by_day(journal) for name, file in present(files).items()}


def rows_of(folder: Path, entry: Entry) -> list[tuple[str, int]]:
    """Return client and segment of each record of an entry, as they stand there."""
    with connect() as connection:
        found: list[tuple[str, int]] = connection.execute(
            f"SELECT client, segment FROM read_parquet('{folder / entry.file}')"
        ).fetchall()
    return found


def test_a_part_is_made_of_what_is_ready_and_of_segments(tmp_path: Path) -> None:
    """Sorted by client; each record says its segment, by its place among the names of the whole."""
    journal, folder = tmp_path / "journal", tmp_path / "journal" / "index"
    (folder).mkdir(parents=True)
    first = build(folder, "2026-11-24T10", written(journal, 60, "203.0.113.9"), [])
    (segment,) = first.segments
    assert (first.records, first.first, first.last) == (1, first_of(segment), last_of(segment))
    assert first.first == "2026-11-24T10:16:00.000000Z"
    whole = build(folder, "2026-11-24", written(journal, 0, "203.0.113.10"), [first])
    assert rows_of(folder, whole) == [("203.0.113.10", 0), ("203.0.113.9", 1)]
    assert whole.segments[1] == segment
    assert all(file.exists() for file in files_of(folder, whole))
