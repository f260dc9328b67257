"""evidence export and verify, as somebody types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result

from shieldproxy.attribution.evidence.verify import fingerprint
from shieldproxy.supervisor.sealing_late import node_name
from tests.cli.conftest import Type
from tests.fakes.evidence import attacker
from tests.fakes.records import record_at, write_journal

SPAN = ("--since", "2026-11-24T10:00", "--until", "2026-11-24T11:00")
FOR = ("--recipient", "CERT", "--purpose", "complaint 4711")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose journal holds an attack."""
    file = tmp_path / "config.toml"
    file.write_text(
        '[journal]\ndirectory = "journal"\n[state]\ndirectory = "state"\n[challenge]\ncontact = "ops@example.org"\n'
    )
    visitor = record_at(2.5, src_ip="192.0.2.1", client="192.0.2.1", action="admit", status=200)
    write_journal(tmp_path / "journal", [attacker(1, 1), attacker(2, 2), visitor], f"{node_name()}.0")
    return file


def export(typed: Type, config: Path, *words: str) -> Result:
    """Export to the directory ``out`` beside the configuration."""
    return typed("evidence", "export", "-c", config, "-o", config.parent / "out", *FOR, *words)


def test_a_bundle_is_made_checked_and_written_down(tmp_path: Path, config: Path, typed: Type) -> None:
    """The fingerprint is shown; who got it stands in the export log; the bundle is intact."""
    made = export(typed, config, *SPAN)
    assert made.exit_code == 0, made.output
    assert "2 records for 2 requests, 2 sources in 2 networks" in made.stdout
    key = fingerprint(tmp_path / "out" / "signer.pem")
    assert key[:4] + " " + key[4:8] in made.stdout
    (entry,) = [json.loads(line) for line in (tmp_path / "state/exports.jsonl").read_text().splitlines()]
    assert (entry["recipient"], entry["purpose"], entry["records"]) == ("CERT", "complaint 4711", 2)
    verified = typed("evidence", "verify", tmp_path / "out", "--key", key)
    assert (verified.exit_code, verified.stdout.splitlines()[-1]) == (0, "intact")
    assert (tmp_path / "out/mail").is_dir()


def test_visitors_come_only_when_asked_for(tmp_path: Path, config: Path, typed: Type) -> None:
    """And even then they stand in no table of sources."""
    export(typed, config, *SPAN, "--all-actions")
    assert b"192.0.2.1" in (tmp_path / f"out/logs/{node_name()}/records.jsonl").read_bytes()
    assert b"192.0.2.1" not in (tmp_path / "out/sources.csv").read_bytes()


def test_an_episode_is_taken_from_the_ledger(tmp_path: Path, config: Path, typed: Type) -> None:
    """One that is not known is said, with what to do."""
    refused = export(typed, config, "--episode", "E-1")
    assert (refused.exit_code, "no episode E-1" in refused.output) == (2, True)
    (tmp_path / "journal/episodes.jsonl").write_text(
        '{"id":"E-1","start":"2026-11-24T10:15:01.500000Z","end":"2026-11-24T10:16:00.000000Z","span":[]}\n'
    )
    made = export(typed, config, "--episode", "E-1", "--asn", "AS64500")
    assert made.exit_code == 0, made.output
    assert json.loads((tmp_path / "out/bundle.json").read_text())["case"] == "E-1-AS64500"
    assert "1 record for 1 request, 1 source in 1 network" in made.stdout


def test_what_is_wrong_is_said(tmp_path: Path, config: Path, typed: Type) -> None:
    """No span, no such format, nothing there, a directory in the way."""
    assert "--episode ID" in export(typed, config).output
    assert "'pdf' is no format; allowed: cert,xarf" in export(typed, config, *SPAN, "--format", "pdf").output
    nothing = export(typed, config, "--since", "2026-11-23", "--until", "2026-11-23")
    assert (nothing.exit_code, "no sealed record" in nothing.output) == (1, True)
    assert not (tmp_path / "state/exports.jsonl").exists()
    (tmp_path / "out").mkdir()
    taken = export(typed, config, *SPAN)
    assert (taken.exit_code, "name a new directory" in taken.output) == (2, True)


def test_without_a_log_of_the_export_nothing_is_handed_over(tmp_path: Path, config: Path, typed: Type) -> None:
    """The bundle is taken back."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state/exports.jsonl").mkdir()
    made = export(typed, config, *SPAN)
    assert (made.exit_code, "nothing is handed over" in made.output) == (2, True)
    assert not (tmp_path / "out").exists()


def test_the_own_journal_is_held_against_key_and_last_checkpoint(tmp_path: Path, config: Path, typed: Type) -> None:
    """Intact, changed, and set back as a whole."""
    export(typed, config, *SPAN)
    journal = tmp_path / "journal"
    assert typed("evidence", "verify", journal, "-c", config).exit_code == 0
    log = journal / "log" / node_name()
    before = {path: path.read_bytes() for path in log.iterdir()}
    write_journal(journal, [attacker(5, 3)], f"{node_name()}.0")
    typed("doctor", "-c", config)
    assert typed("evidence", "verify", journal, "-c", config).exit_code == 0
    for path, data in before.items():
        path.write_bytes(data)
    back = typed("evidence", "verify", journal, "-c", config)
    assert (back.exit_code, "were taken away" in back.stdout) == (1, True)
    assert export(typed, config, *SPAN).exit_code == 1


def test_an_anchor_and_a_key_may_be_given(tmp_path: Path, config: Path, typed: Type) -> None:
    """A checkpoint that somebody kept, and the fingerprint he was told."""
    export(typed, config, *SPAN)
    journal, anchor = tmp_path / "journal", tmp_path / "kept"
    anchor.write_text(f"{node_name()}/shieldproxy\n9\n{'A' * 43}=\n")
    found = typed("evidence", "verify", journal, "--checkpoint", anchor, "-c", config)
    assert (found.exit_code, "entries 2 to 9" in found.stdout) == (1, True)
    other = typed("evidence", "verify", journal, "--key", "ab" * 32, "-c", config, "--format", "json")
    assert other.exit_code == 1
    kinds = {json.loads(line)["finding"] for line in other.stdout.splitlines()}
    assert kinds == {"told", "tampered"}
    anchor.write_text("nothing\n")
    assert typed("evidence", "verify", journal, "--checkpoint", anchor, "-c", config).exit_code == 2


def test_what_is_no_bundle_is_said(tmp_path: Path, config: Path, typed: Type) -> None:
    """Neither intact nor tampered."""
    found = typed("evidence", "verify", tmp_path, "-c", config)
    assert (found.exit_code, "neither a bundle nor a journal" in found.output) == (2, True)
