from __future__ import annotations

from pathlib import Path

import pytest

from shieldproxy.attribution.importing import AlreadyImportedError, LogImport, digest, stamp
from shieldproxy.core.record import Record
from shieldproxy.intel.databases import Databases
from shieldproxy.intel.networks import Networks
from shieldproxy.intel.tables import read_classes, read_robots
from shieldproxy.journal.filters import Filter
from shieldproxy.journal.log_files import UnreadableLogError
from shieldproxy.journal.reader import Reader

COMBINED = (
    '192.0.2.7 - - [17/May/2015:10:05:03 +0200] "GET /page?q=1 HTTP/1.1" 200 2033 "http://e.example/" "Mozilla/5.0"\n'
    "not a line at all\n"
    'unknown - - [17/May/2015:10:05:04 +0000] "GET / HTTP/1.1" 200 1 "-" "-"\n'
    '2001:db8::5 - - [18/May/2015:00:00:01 +0000] "GET /next HTTP/1.0" 404 - "-" "curl\\x22"\n'
    '66.249.66.1 - - [18/May/2015:00:00:02 +0000] "GET / HTTP/1.1" 200 5 "-" "Googlebot/2.1"\n'
)


@pytest.fixture(scope="module")
def networks() -> Networks:
    """What the bundled snapshot knows."""
    return Networks(Databases(folders=()), read_classes(), read_robots())


def test_a_log_becomes_records(tmp_path: Path, networks: Networks) -> None:
    """With the times, addresses and requests of the log, our labels, and no verdict."""
    log = tmp_path / "access.log"
    log.write_text(COMBINED)
    found = LogImport(tmp_path / "journal", networks).take(log, "web1")
    assert (found.node, found.records, found.broken, found.no_address) == ("imported:web1", 3, 1, 1)
    assert (found.first, found.last) == ("2015-05-17T08:05:03.000000Z", "2015-05-18T00:00:02.000000Z")
    reader = Reader(tmp_path / "journal")
    records = [Record.from_dict(fields) for fields in reader.records(Filter())]
    assert reader.broken == 0
    first, second, third = records
    assert (first.src_ip, first.path, first.query, first.status, first.bytes_out) == (
        "192.0.2.7",
        "/page",
        "q=1",
        200,
        2033,
    )
    assert (first.action, first.stage, first.node, first.referer) == (
        "admit",
        "imported",
        "imported:web1",
        "http://e.example/",
    )
    assert (second.client, second.user_agent, second.http) == ("2001:db8::/64", 'curl"', "1.0")
    assert (third.asn, third.rule) == (15169, "crawler")
    assert third.geo == networks.version
    assert [record.seq for record in records] == [1, 2, 3]


def test_each_day_is_found_by_its_day(tmp_path: Path, networks: Networks) -> None:
    """Segments lie under the days of their records, so that old spans are read alone."""
    log = tmp_path / "access.log"
    log.write_text(COMBINED)
    LogImport(tmp_path / "journal", networks).take(log, "web1")
    assert sorted(place.name for place in (tmp_path / "journal").iterdir()) == ["2015-05-17", "2015-05-18"]
    wanted = Filter(since="2015-05-18T00:00:00.000000Z", until="2015-05-18T00:00:01.500000Z")
    assert [fields["path"] for fields in Reader(tmp_path / "journal").records(wanted)] == ["/next"]


def test_a_log_is_taken_once(tmp_path: Path, networks: Networks) -> None:
    """A second time it is refused, unless somebody insists; another log of the same name is another log."""
    log = tmp_path / "access.log"
    log.write_text(COMBINED)
    importer = LogImport(tmp_path / "journal", networks)
    importer.take(log, "web1")
    with pytest.raises(AlreadyImportedError, match=r"imported:web1"):
        importer.take(log, "web1")
    assert importer.take(log, "web1", again=True).records == 3
    before = digest(log)
    log.write_text(COMBINED.replace("/next", "/last"))
    assert digest(log) != before
    assert importer.take(log, "web1").records == 3


def test_json_lines_are_taken_too(tmp_path: Path, networks: Networks) -> None:
    """By the names that servers and shippers use; a number beyond all numbers counts as none."""
    log = tmp_path / "access.json"
    log.write_bytes(
        b'{"time_iso8601":"2026-11-24T10:15:00+00:00","remote_addr":"192.0.2.9","request_method":"GET",'
        b'"request_uri":"/?a=b","status":200,"bytes":123456789012345678901234567890}\n'
    )
    assert LogImport(tmp_path / "journal", networks).take(log, "json").records == 1
    (fields,) = Reader(tmp_path / "journal").records(Filter())
    assert fields["client"] == "192.0.2.9"
    assert Record.from_dict(fields).query == "a=b"
    assert fields["bytes_out"] == 0


def test_text_that_is_no_unicode_is_written_out(tmp_path: Path, networks: Networks) -> None:
    """A log may hold the escape of half a character."""
    log = tmp_path / "access.log"
    log.write_text('192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET /\\ud800 HTTP/1.1" 200 5 "-" "-"\n')
    assert LogImport(tmp_path / "journal", networks).take(log, "x").records == 1
    (fields,) = Reader(tmp_path / "journal").records(Filter())
    assert fields["path"] == "/\\ud800"


def test_what_is_no_log_is_said(tmp_path: Path, networks: Networks) -> None:
    """And leaves nothing in the journal."""
    log = tmp_path / "picture"
    log.write_bytes(b"\x89PNG\n" * 2_000)
    with pytest.raises(UnreadableLogError):
        LogImport(tmp_path / "journal", networks).take(log, "x")
    assert list(Reader(tmp_path / "journal").records(Filter())) == []


def test_moments_are_written_as_records_write_them() -> None:
    """With microseconds, so that they sort as text."""
    assert stamp(1_795_515_300.0) == "2026-11-24T10:15:00.000000Z"
