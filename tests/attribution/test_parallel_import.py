from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from shieldproxy.attribution.importing import AlreadyImportedError, LogImport
from shieldproxy.attribution.parallel_import import take_in_parallel
from shieldproxy.intel.databases import Databases
from shieldproxy.intel.networks import Networks
from shieldproxy.intel.tables import read_classes, read_robots
from shieldproxy.journal.filters import Filter
from shieldproxy.journal.log_files import UnreadableLogError
from shieldproxy.journal.reader import Reader


def networks() -> Networks:
    """What the bundled snapshot knows."""
    return Networks(Databases(folders=()), read_classes(), read_robots())


def records(journal: Path) -> list[dict[str, Any]]:
    """Return the records without what says who wrote them."""
    found = [
        {name: value for name, value in fields.items() if name not in {"seq", "id", "node"}}
        for fields in Reader(journal).records(Filter())
    ]
    return sorted(found, key=lambda fields: (fields["ts"], fields["path"]))


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A packed log of two days in both forms, with broken lines and requests of nobody."""
    monkeypatch.setattr("shieldproxy.attribution.parallel_import.BLOCK", 2_000)
    lines = []
    for number in range(400):
        clock = f"{17 + number // 200}/May/2015:10:{number % 200 // 60:02}:{number % 60:02} +0000"
        lines.append(f'192.0.2.{number % 250} - - [{clock}] "GET /{number}?q HTTP/1.1" 200 {number} "-" "agent"')
        if number % 50 == 7:
            lines += ["broken", "", f'nobody - - [{clock}] "GET / HTTP/1.1" 200 1 "-" "-"']
            lines.append(f'{{"ts":{1_431_900_000 + number},"ip":"2001:db8::1","path":"/é{number}","method":"GET"}}')
    path = tmp_path / "access.log.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return path


def test_several_processes_write_what_one_writes(log: Path, tmp_path: Path) -> None:
    """The same records, counts and named lines; each process has segments of its own."""
    alone = LogImport(tmp_path / "alone", networks()).take(log, "web1")
    together = take_in_parallel(log, "web1", tmp_path / "together", networks, 2)
    assert together == alone
    assert together.records == 408
    assert (together.broken, together.no_address) == (8, 8)
    assert records(tmp_path / "together") == records(tmp_path / "alone")
    ids = [fields["id"] for fields in Reader(tmp_path / "together").records(Filter())]
    assert len(set(ids)) == 408
    writers = {name.name.split("-")[-2].rpartition(".")[2] for name in (tmp_path / "together").glob("*/*.jsonl")}
    assert writers == {"0", "1"}


def test_a_log_is_taken_once(log: Path, tmp_path: Path) -> None:
    """Whoever brought it in first."""
    take_in_parallel(log, "web1", tmp_path / "journal", networks, 2)
    with pytest.raises(AlreadyImportedError):
        LogImport(tmp_path / "journal", networks()).take(log, "web1")
    with pytest.raises(AlreadyImportedError):
        take_in_parallel(log, "web1", tmp_path / "journal", networks, 2)


def test_what_is_no_log_is_said(tmp_path: Path) -> None:
    """Before anything is written."""
    path = tmp_path / "picture"
    path.write_bytes(b"x\n" * 5_000)
    with pytest.raises(UnreadableLogError, match="no log"):
        take_in_parallel(path, "web1", tmp_path / "journal", networks, 2)
    assert not (tmp_path / "journal").exists()
