"""Compacting: the index is kept beside the node, and whatever becomes of that is no concern of the node."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from shieldproxy.attribution.upkeep import policy_of
from shieldproxy.settings.compiling import compile_episodes
from shieldproxy.settings.reading import load
from shieldproxy.settings.schema import Settings
from shieldproxy.supervisor import compacting
from shieldproxy.supervisor.compacting import CompactingError, Compactor, command
from tests.fakes.records import record_at, segment_writer


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A configuration with a journal of a minute long ago."""
    writer = segment_writer(tmp_path / "journal")
    writer.write([record_at(ts="2020-11-24T10:15:00.000000Z")])
    writer.close()
    file = tmp_path / "config.toml"
    file.write_text('[journal]\ndirectory = "journal"\n')
    return load(file)


async def test_the_index_is_kept_from_the_second_turn_on(settings: Settings) -> None:
    """At its start a node has other things to do."""
    compactor, index = Compactor(), settings.journal.directory / "index"
    await compactor.turn(settings)
    assert not index.exists()
    await compactor.turn(settings)
    assert list(index.glob("2020-11-24/*.parquet"))


async def test_an_end_before_its_time_is_said(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the last that the process said; the next turn tries again."""
    compactor = Compactor()
    await compactor.turn(settings)
    monkeypatch.setattr(compacting, "command", lambda _: (sys.executable, "-c", "raise SystemExit('no room')"))
    with pytest.raises(CompactingError, match="no room"):
        await compactor.turn(settings)


async def test_without_the_extra_nothing_is_started(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The node serves and writes as ever."""
    monkeypatch.setattr(compacting, "available", lambda: False)
    compactor = Compactor()
    await compactor.turn(settings)
    await compactor.turn(settings)
    assert not (settings.journal.directory / "index").exists()


def test_it_is_told_the_journal_and_the_policy(settings: Settings) -> None:
    """That of the configuration."""
    *_, directory, policy = command(settings)
    assert directory == str(settings.journal.directory)
    assert policy_of(policy) == compile_episodes(settings)
