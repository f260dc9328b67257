"""Timestamps in a journal: counted without an authority, checked with one."""

from __future__ import annotations

from pathlib import Path

from shieldproxy.attribution.evidence.timestamp_check import check_timestamps
from shieldproxy.attribution.evidence.verify import Findings
from shieldproxy.journal.timestamps import FOLDER, keep, query_of
from tests.fakes.evidence import sealed_journal
from tests.supervisor.test_anchors import Authority


def stamped(tmp_path: Path) -> tuple[Path, Authority]:
    """Return a sealed journal whose checkpoint an authority stamped."""
    journal, authority = sealed_journal(tmp_path / "journal"), Authority(tmp_path / "tsa")
    note = (journal / "log/edge1/checkpoint").read_bytes()
    (authority.folder / "query").write_bytes(query_of(note, bytes(8)))
    authority.run("ts -reply -config tsa.cnf -queryfile query -out reply")
    keep(journal / "log/edge1", note, (authority.folder / "reply").read_bytes())
    return journal, authority


def test_a_good_timestamp_is_told(tmp_path: Path) -> None:
    """And how many entries it covers; without the certificate it is only counted."""
    journal, authority = stamped(tmp_path)
    found = Findings()
    check_timestamps(journal, authority.folder / "tsa.pem", found)
    check_timestamps(journal, None, found)
    assert found.code == 0
    assert "1 timestamps by" in found.told[0]
    assert "the last over 3 entries" in found.told[0]
    assert "not checked" in found.told[1]


def test_a_timestamp_of_another_checkpoint_is_tampering(tmp_path: Path) -> None:
    """Or of another authority."""
    journal, authority = stamped(tmp_path)
    other = Authority(tmp_path / "other")
    for change, certificate in ((True, authority), (False, other)):
        found = Findings()
        note = next((journal / "log/edge1" / FOLDER).glob("*.note"))
        data = note.read_bytes()
        note.write_bytes(data + b"x" if change else data)
        check_timestamps(journal, certificate.folder / "tsa.pem", found)
        note.write_bytes(data)
        assert found.code == 1


def test_who_asks_for_timestamps_where_there_are_none_is_told(tmp_path: Path) -> None:
    """Incomplete; without being asked it is no fault."""
    found = Findings()
    check_timestamps(sealed_journal(tmp_path / "journal"), None, found)
    assert found.code == 0
    check_timestamps(tmp_path / "journal", tmp_path / "tsa.pem", found)
    assert found.code == 2
