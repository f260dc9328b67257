"""The stage: directory, ports, configuration, and a node that does not start."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from shieldproxy.cli.demo.stage import SITE, NodeProcess, build_stage, free_ports
from shieldproxy.core.errors import StartError
from shieldproxy.settings.reading import load


def test_two_runs_in_one_second_have_two_directories(tmp_path: Path) -> None:
    """Nobody writes into the journal of another run."""
    first, second = (build_stage("20261124T101500", tmp_path) for _ in range(2))
    assert first.directory != second.directory
    assert second.directory.is_dir()


def test_where_nothing_can_be_written_another_place_is_found(tmp_path: Path) -> None:
    """A read-only working directory does not stop the demo."""
    (tmp_path / "file").write_text("")
    stage = build_stage("20261124T101500", tmp_path / "file")
    assert stage.directory.is_dir()
    stage.directory.rmdir()


def test_the_configuration_changes_nothing_that_protects(tmp_path: Path) -> None:
    """Limits, rules, challenge, bans and exemptions are the built-in ones; only loopback is trusted and listened on."""
    stage = build_stage("now", tmp_path)
    ports = free_ports()
    stage.write_config(ports)
    found, usual = load(stage.config), load(None)
    for part in ("limits", "rules", "challenge", "bans", "exempt"):
        assert getattr(found, part) == getattr(usual, part), part
    assert [str(place) for place in found.server.listen] == [f"127.0.0.1:{ports.shield}"]
    assert [str(network) for network in found.server.trusted_proxies] == ["127.0.0.0/8"]
    assert found.server.hosts == (SITE,)
    assert found.journal.directory == stage.journal
    assert "limits" not in tomllib.loads(stage.config.read_text())


def test_ports_are_different() -> None:
    """Three servers need three ports."""
    assert len(set(free_ports())) == 3


async def test_a_node_that_does_not_start_says_why(tmp_path: Path) -> None:
    """The last line of what the node said is the message, and nothing is left running."""
    stage = build_stage("now", tmp_path)
    stage.config.write_text("[server]\nlisten = 5\n")
    node = NodeProcess(stage)
    await node.launch()
    with pytest.raises(StartError, match=r"the node did not start: .*listen"):
        await node.accepting()
    assert node.ended == 2
    assert await node.stop() == 2


async def test_a_node_that_was_never_launched_is_stopped_already(tmp_path: Path) -> None:
    """Stopping is safe whatever happened before."""
    assert await NodeProcess(build_stage("now", tmp_path)).stop() == 0
