"""The doctor on seals: left-overs are sealed, a log that contradicts itself is named."""

from __future__ import annotations

from pathlib import Path

from shieldproxy.cli.checkups import Level
from shieldproxy.cli.seals import check_seals
from shieldproxy.settings.reading import load
from shieldproxy.settings.schema import Settings
from shieldproxy.state.keys import EVIDENCE_KEY
from shieldproxy.supervisor.sealing_late import node_name
from tests.fakes.records import record_at, write_journal


def settings_in(place: Path) -> Settings:
    """Return settings whose journal and state lie in ``place``."""
    file = place / "config.toml"
    file.write_text('[journal]\ndirectory = "journal"\n[state]\ndirectory = "state"\n')
    return load(file)


def test_what_a_crash_left_is_sealed_and_said(tmp_path: Path) -> None:
    """Once; the next look finds everything in order. Without a journal there is nothing to say."""
    settings = settings_in(tmp_path)
    assert check_seals(settings).level is Level.OK
    write_journal(settings.journal.directory, [record_at()], f"{node_name()}.0")
    finding = check_seals(settings)
    assert finding.level is Level.WARN
    assert "1 segments with 1 records were left unsealed" in finding.text
    assert check_seals(settings).text == "every closed segment is sealed and signed"


def test_what_cannot_be_sealed_fails(tmp_path: Path) -> None:
    """A lost key and a damaged one are two different sentences."""
    settings = settings_in(tmp_path)
    write_journal(settings.journal.directory, [record_at()], f"{node_name()}.0")
    check_seals(settings)
    key = settings.state.directory / EVIDENCE_KEY
    key.write_text("ab" * 32 + "\n")
    assert "another key" in check_seals(settings).text
    key.write_text("damaged\n")
    finding = check_seals(settings)
    assert finding.level is Level.FAIL
    assert "is damaged" in finding.text
