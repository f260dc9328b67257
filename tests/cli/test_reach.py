"""Reaching the node while somebody edits its configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from shieldproxy.cli.reach import sound_tables
from tests.fakes.control_room import ControlRoom

Type = Callable[..., Result]


@pytest.mark.parametrize(
    "broken",
    ["[limits.client]\nrate = 0", "[server\nmode =", "[server]\nlisten = [", "typo = 1", "[state]\ndirectory = 5"],
)
def test_a_broken_configuration_keeps_nobody_from_banning(room: ControlRoom, typed: Type, broken: str) -> None:
    """Whatever is wrong elsewhere in the file, the control room is found, and the problems are mentioned."""
    room.describe(broken)
    result = typed("ban", "192.0.2.7", "-c", room.config)
    assert result.exit_code == 0
    assert "192.0.2.7" in room.node.banned
    assert "shieldproxy check names them" in result.stderr


def test_a_broken_control_room_is_named(room: ControlRoom, typed: Type) -> None:
    """When the place of the control room itself is wrong, all problems are said and nobody is asked."""
    room.config.write_text('[control]\nlisten = "nowhere"\n')
    result = typed("bans", "-c", room.config)
    assert result.exit_code == 2
    assert "control.listen" in result.stderr


def test_paths_are_those_of_the_files_folder(room: ControlRoom, typed: Type) -> None:
    """Also in a broken file a relative token file lies beside the configuration."""
    room.token_file.rename(room.config.parent / "moved.token")
    room.config.write_text(f'typo = 1\n[control]\nlisten = "{room.listen}"\ntoken_file = "moved.token"\n')
    assert typed("bans", "-c", room.config).exit_code == 0


def test_sound_tables_are_read_around_broken_ones(tmp_path: Path) -> None:
    """Each table that can be read by itself is read; a file that cannot be read has none."""
    path = tmp_path / "config.toml"
    path.write_text('[a]\nx = 1\n[b\n[c]\ny = [\n[d]\nz = "[e]"\n')
    assert sound_tables(path) == {"a": {"x": 1}, "d": {"z": "[e]"}}
    path.write_bytes(b"\xff\xfe")
    assert sound_tables(path) == {}
