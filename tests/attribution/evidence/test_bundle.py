from __future__ import annotations

import json
from pathlib import Path

import pytest

from shieldproxy.attribution.evidence import bundle as bundles
from shieldproxy.attribution.evidence.bundle import NothingError, Order
from shieldproxy.attribution.evidence.selection import UnfitError
from shieldproxy.attribution.evidence.verify import check
from tests.fakes.evidence import TERMS, attacker, bundle, sealed_journal
from tests.fakes.records import record_at, segment_writer, write_journal
from tests.fakes.sealers import sealer_of


def _lines(directory: Path) -> list[str]:
    return (directory / "logs/edge1/records.jsonl").read_text().splitlines()


def summary(directory: Path) -> dict[str, object]:
    return dict(json.loads((directory / "bundle.json").read_text()))


def test_only_what_is_wanted_is_in_it(tmp_path: Path) -> None:
    """Records byte for byte, nobody who was admitted, one network when one is asked for."""
    journal = sealed_journal(tmp_path / "journal")
    made = bundle(tmp_path / "all", journal).directory
    lines = (made / "logs/edge1/records.jsonl").read_bytes()
    assert b"192.0.2.1" not in lines
    originals = b"".join(path.read_bytes() for path in sorted(journal.glob("2*/*.jsonl")))
    assert all(line in originals for line in lines.splitlines(keepends=True))
    assert (summary(made)["records"], summary(made)["requests"], summary(made)["sources"]) == (11, 29, 10)
    part = bundle(tmp_path / "one", journal, asn=64501).directory
    assert {json.loads(line)["asn"] for line in _lines(part)} == {64501}
    assert check(part).code == 0


def test_it_has_every_format_and_says_whom_it_is_for(tmp_path: Path) -> None:
    """A file or a file a network for each; recipient, purpose and TLP in README and bundle.json."""
    made = bundle(tmp_path / "bundle", sealed_journal(tmp_path / "journal")).directory
    names = {str(path.relative_to(made)) for path in made.rglob("*")}
    assert {"sources.csv", "stix.json", "misp.json", "xarf/AS64500.jsonl", "mail/AS64501.eml"} <= names
    text = (made / "README.txt").read_text()
    for word in (TERMS.recipient, TERMS.purpose, "TLP:AMBER", "handshake", "time service", "of 2026-06-17"):
        assert word in text
    assert summary(made)["recipient"] == TERMS.recipient


def test_formats_that_need_a_contact_are_left_out_without_one(tmp_path: Path) -> None:
    """And README says so: an abuse desk must be able to answer."""
    terms = TERMS._replace(contact="")
    made = bundle(tmp_path / "bundle", sealed_journal(tmp_path / "journal"), terms=terms)
    assert made.chain.missing_formats == ["xarf", "eml"]
    assert not (made.directory / "mail").exists()
    assert "need the address of a contact: xarf, eml" in (made.directory / "README.txt").read_text()
    assert check(made.directory).code == 0


def test_only_the_formats_asked_for_are_made(tmp_path: Path) -> None:
    """And configurations only for whoever is to see the limits."""
    policies = tmp_path / "policies"
    policies.mkdir()
    (policies / "abcdef.toml").write_text("[server]\n")
    journal = sealed_journal(tmp_path / "journal")
    made = bundle(tmp_path / "one", journal, order=Order("all", ("cert",), policies)).directory
    names = {path.name for path in made.iterdir()}
    assert "sources.csv" in names
    assert not names & {"stix.json", "misp.json", "xarf", "mail"}
    assert (made / "policies/abcdef.toml").read_text() == "[server]\n"
    assert not (bundle(tmp_path / "two", journal).directory / "policies").exists()


def test_two_nodes_are_in_one_bundle(tmp_path: Path) -> None:
    """Each with its log and key; what was brought in and sealed by both is there once."""
    journal = sealed_journal(tmp_path / "journal")
    write_journal(journal, [attacker(5, 3, node="edge2")], "edge2.0")
    write_journal(journal, [attacker(6, 4)], "import.0")
    for node in ("edge1", "edge2"):
        sealer = sealer_of(journal, node)
        sealer.round()
        sealer.close()
    made = bundle(tmp_path / "bundle", journal).directory
    assert check(made).code == 0
    counts = [len((made / f"logs/{node}/records.jsonl").read_text().splitlines()) for node in ("edge1", "edge2")]
    assert counts == [12, 1]


def test_what_is_not_sealed_or_gone_is_said(tmp_path: Path) -> None:
    """An open segment waits, an erased one is named."""
    journal = sealed_journal(tmp_path / "journal")
    writer = segment_writer(journal, "edge1.2")
    writer.write([record_at(7, weight=5)])
    (gone, *_) = sorted(journal.glob("2*/*edge1.0*"))
    gone.unlink()
    made = bundle(tmp_path / "bundle", journal)
    assert made.chain.unsealed == 5
    assert [Path(name).name for name in made.chain.gone] == [gone.name]
    text = " ".join((made.directory / "README.txt").read_text().split())
    assert "5 requests stand in files that were not sealed yet" in text
    assert gone.name in text
    writer.close()


def test_nothing_wanted_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    """An empty bundle would look like proof that nothing happened."""
    journal = sealed_journal(tmp_path / "journal")
    with pytest.raises(NothingError, match="no sealed record"):
        bundle(tmp_path / "bundle", journal, asn=1)
    assert [path.name for path in tmp_path.iterdir() if "bundle" in path.name] == []


def test_a_journal_that_was_tampered_with_is_not_exported(tmp_path: Path) -> None:
    """We sign nothing that contradicts our own seals."""
    journal = sealed_journal(tmp_path / "journal")
    path = min(journal.glob("2*/*edge1.0*"))
    path.write_bytes(path.read_bytes().replace(b"203.0.113.1", b"203.0.113.9"))
    with pytest.raises(UnfitError, match="is not what was sealed"):
        bundle(tmp_path / "bundle", journal)
    assert not (tmp_path / "bundle").exists()


def test_a_directory_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    """Not even an empty one."""
    (tmp_path / "bundle").mkdir()
    with pytest.raises(FileExistsError):
        bundle(tmp_path / "bundle", sealed_journal(tmp_path / "journal"))


def test_a_node_without_a_log_of_its_own_signs_nothing(tmp_path: Path) -> None:
    """Nobody could tell whose key it is."""
    journal = sealed_journal(tmp_path / "journal")
    (journal / "log" / "edge1").rename(journal / "log" / "other")
    (journal / "log" / "other" / "public.pem").write_bytes(b"x")
    with pytest.raises(UnfitError):
        bundle(tmp_path / "bundle", journal)
    assert bundles.FORMATS == ("cert", "xarf", "eml", "stix", "misp")
