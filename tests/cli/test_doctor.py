"""Doctor: everything the node depends on, a line each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import Result

from tests.fakes.control_room import ControlRoom

Type = Callable[..., Result]
Objects = Callable[[Result], list[Any]]


def test_it_looks_at_everything(room: ControlRoom, typed: Type, objects: Objects) -> None:
    """Configuration, node, clock, token, keys, state, journal, open files and geo each have their line."""
    result = typed("doctor", "--format", "json", "-c", room.config)
    found = objects(result)
    subjects = {row["subject"] for row in found}
    assert subjects >= {"configuration", "node", "clock", "token", "keys", "state", "journal", "open files", "geo"}
    assert {row["level"] for row in found} <= {"ok", "warn", "fail"}
    assert all(row["todo"] for row in found if row["level"] == "fail")
    assert result.exit_code == int(any(row["level"] == "fail" for row in found))


def test_for_people_it_fits_the_screen(room: ControlRoom, typed: Type) -> None:
    """The table keeps to 100 columns and says what to do below each warning."""
    room.node.state = room.node.state._replace(reload_refused=("config.toml:3: " + "long " * 60,))
    text = typed("doctor", "-c", room.config).stdout
    assert all(len(line) <= 100 for line in text.splitlines())
    assert "-> correct it, then shieldproxy reload" in text


def test_without_a_node_the_rest_is_looked_at(room: ControlRoom, typed: Type, objects: Objects) -> None:
    """A node that does not run is a warning, not the end."""
    room.close()
    found = objects(typed("doctor", "--format", "json", "-c", room.config))
    (node,) = [row for row in found if row["subject"] == "node"]
    assert node["level"] == "warn"
    assert "no node answers" in node["text"]
    assert any(row["subject"] == "journal" for row in found)


def test_a_broken_configuration_fails_and_the_rest_is_looked_at(
    room: ControlRoom, typed: Type, objects: Objects
) -> None:
    """Every problem of the configuration is a failure with exit 1; node and machine are examined all the same."""
    room.describe("typo = 1")
    result = typed("doctor", "--format", "json", "-c", room.config)
    assert result.exit_code == 1
    found = objects(result)
    assert [row["level"] for row in found if row["subject"] == "configuration"] == ["fail"]
    assert any(row["subject"] == "node" and "shield-1 answers" in row["text"] for row in found)


def test_a_token_for_everybody_fails(room: ControlRoom, typed: Type) -> None:
    """A token file that everybody may read is a failure with exit 1 and the command that mends it."""
    room.token_file.chmod(0o644)
    result = typed("doctor", "-c", room.config)
    assert result.exit_code == 1
    assert "everybody on this machine may read it" in " ".join(result.stdout.split())


def test_no_configuration_at_all_is_said(tmp_path: Path, typed: Type, objects: Objects) -> None:
    """A file that is not there is the one failure that can be told."""
    result = typed("doctor", "--format", "json", "-c", tmp_path / "absent.toml")
    assert result.exit_code == 1
    assert [row["subject"] for row in objects(result)] == ["configuration"]
