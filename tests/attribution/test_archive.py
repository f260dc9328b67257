from __future__ import annotations

import shutil
from pathlib import Path

from shieldproxy.attribution.archive import DuckdbArchive, SqliteArchive, open_archive
from shieldproxy.attribution.columns import NAMES
from shieldproxy.attribution.index import Index
from shieldproxy.core.record import rfc3339
from shieldproxy.journal.packing import pack_before
from tests.attribution.conftest import Open, citizen
from tests.fakes.records import TEN_FIFTEEN, record_at, write_journal

EVERYTHING = (
    f"SELECT {', '.join(name for name in NAMES if name != 'as_name')} FROM records ORDER BY ts, client, path, weight"
)


def odd_records() -> list[object]:
    return [
        citizen(0.0, path="/a\x00b\u202e<script>", user_agent="\x1b[31m'); DROP TABLE records; --"),
        record_at(1.0, src_ip="2001:db8::1", client="2001:db8::/64", weight=10**9),
        record_at(2.0, enforced=False, query="x=" + "y" * 500),
        record_at(3.0, path="", host="", asn=0, as_name="", country="", rule="", side="origin"),
    ]


def test_both_engines_hold_the_same(index: Index) -> None:
    """Whatever clients send, from the index and from the segments."""
    write_journal(index.directory, odd_records())  # type: ignore[arg-type]
    found = []
    for duckdb, update in ((False, False), (True, False), (True, True)):
        with open_archive(index, duckdb=duckdb, update=update) as archive:
            found.append(archive.rows(EVERYTHING))
    assert len(found[0]) == 4
    assert found[0] == found[1] == found[2]


def test_only_the_span_is_in_it(opened: Open, flooded: Path) -> None:
    """Bounds included."""
    with opened(rfc3339(TEN_FIFTEEN + 600), rfc3339(TEN_FIFTEEN + 601)) as archive:
        assert archive.rows("SELECT count(*), min(ts) FROM records") == [(2 + 40 + 1, int(TEN_FIFTEEN + 600) * 1000)]


def test_an_empty_journal_is_an_empty_table(opened: Open) -> None:
    """A month without records is right, not an error."""
    with opened() as archive:
        assert archive.rows("SELECT count(*) FROM records") == [(0,)]


def test_sums_do_not_overflow(opened: Open, tmp_path: Path) -> None:
    """A line may stand for a thousand million requests."""
    write_journal(tmp_path / "journal", [record_at(second, weight=10**9) for second in range(100)])
    with opened() as archive:
        assert archive.rows("SELECT sum(weight) FROM records") == [(10**11,)]


def test_neighbourhoods_and_logarithms_are_known_to_both(opened: Open, flooded: Path) -> None:
    """What questions use beside plain SQL."""
    with opened() as archive:
        rows = archive.rows("SELECT DISTINCT network_of(client), ln(1.0) FROM records ORDER BY 1")
    assert [row[0] for row in rows] == ["198.51.100.0/24", "203.0.113.0/24", "203.0.114.0/24"]


def test_without_the_extra_it_says_what_that_would_add(index: Index, flooded: Path) -> None:
    """One line, and the answers are the same."""
    with open_archive(index, duckdb=False) as archive:
        assert isinstance(archive, SqliteArchive)
        assert "shieldproxy[analysis]" in archive.note
    with open_archive(index) as archive:
        assert isinstance(archive, DuckdbArchive)
        assert archive.note == ""


def test_packed_segments_are_read_like_plain_ones(opened: Open, flooded: Path) -> None:
    """By both engines, and what is in the index stays in it."""
    question = "SELECT count(*), sum(weight), min(ts), max(ts) FROM records"
    with opened() as archive:
        before = archive.rows(question)
    for _ in range(2):
        pack_before(flooded, "2026-11-26T00:00:00.000000Z", lambda _segment: True)
    assert not list(flooded.glob("2*/*.jsonl"))
    with opened() as archive:
        assert archive.rows(question) == before
    shutil.rmtree(flooded / "index", ignore_errors=True)
    with opened() as archive:
        assert archive.rows(question) == before
