"""Sealing late: left-overs are mended and sealed, a running node is left alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shieldproxy.settings.reading import load
from shieldproxy.settings.schema import Settings
from shieldproxy.supervisor.sealing_late import Late, node_name, seal_late, sealer_here
from tests.fakes.records import record_at, segment_writer, write_journal


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings whose journal and state lie in ``tmp_path``."""
    file = tmp_path / "config.toml"
    file.write_text('[journal]\ndirectory = "journal"\n[state]\ndirectory = "state"\n')
    return load(file)


def test_half_written_segments_are_mended_and_sealed(settings: Settings) -> None:
    """Of this node, whoever asks next; a second time there is nothing to do."""
    journal = settings.journal.directory
    writer = segment_writer(journal, f"{node_name()}.0")
    writer.write([record_at(0), record_at(1)])
    segment = writer._segment
    assert segment is not None
    segment.abandon()
    with segment.path.open("ab") as file:
        file.write(b'{"v":1,"seq":3,')
    write_journal(journal, [record_at(5)], f"{node_name()}.1")
    assert seal_late(settings) == Late(2, 3)
    assert seal_late(settings) == Late()


def test_a_running_node_does_it_itself(settings: Settings) -> None:
    """Nobody else writes to its log."""
    write_journal(settings.journal.directory, [record_at(5)], f"{node_name()}.1")
    sealer = sealer_here(settings)
    sealer.open()
    late = seal_late(settings)
    assert (late.segments, late.broken) == (0, False)
    assert "running node" in late.why
    sealer.close()


def test_without_a_journal_nothing_is_made(settings: Settings) -> None:
    """Neither a key nor a directory."""
    assert "is not there" in seal_late(settings).why
    assert not settings.state.directory.exists()


def test_the_journal_of_another_user_is_not_touched(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of root in it would stop the service at its next start."""
    write_journal(settings.journal.directory, [record_at(5)])
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    assert "another user" in seal_late(settings).why
    assert not settings.state.directory.exists()
