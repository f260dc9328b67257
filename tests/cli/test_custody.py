"""evidence hold, release, holds, exports, as somebody types them."""

from __future__ import annotations

from pathlib import Path

import pytest

from shieldproxy.attribution.evidence.export_log import note_export
from tests.cli.conftest import Type


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration with a journal and a state of its own."""
    file = tmp_path / "config.toml"
    file.write_text('[journal]\ndirectory = "journal"\n[state]\ndirectory = "state"\n')
    return file


def test_a_hold_is_set_listed_and_released(config: Path, typed: Type) -> None:
    """A day means the whole day; each order has its reason."""
    assert "no hold is in force" in typed("evidence", "holds", "-c", config).stdout
    done = typed("evidence", "hold", "2026-11-24..2026-11-25", "--why", "police 4711", "-c", config)
    assert done.stdout.startswith("H1: records from 2026-11-24T00:00:00.000000Z to 2026-11-25T23:59:59.999999Z stay")
    assert "police 4711" in typed("evidence", "holds", "-c", config).stdout
    assert typed("evidence", "release", "H1", "--why", "closed", "-c", config).exit_code == 0
    assert typed("evidence", "release", "H1", "--why", "closed", "-c", config).exit_code == 1


@pytest.mark.parametrize("span", ["2026-11-24", "tomorrow..2026-11-25", "2026-11-25..2026-11-23"])
def test_a_span_that_is_none_is_said(config: Path, typed: Type, span: str) -> None:
    """With what is allowed."""
    assert typed("evidence", "hold", span, "--why", "x", "-c", config).exit_code == 2


def test_a_damaged_list_of_holds_is_said(tmp_path: Path, config: Path, typed: Type) -> None:
    """Nobody should believe that nothing is on hold."""
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal/holds.jsonl").write_text("x\n")
    assert "damaged" in typed("evidence", "holds", "-c", config).output
    assert "damaged" in typed("evidence", "release", "H1", "--why", "x", "-c", config).output


def test_exports_are_listed(tmp_path: Path, config: Path, typed: Type) -> None:
    """Who got what, and what for."""
    assert "nothing was exported" in typed("evidence", "exports", "-c", config).stdout
    entry = {"at": "2026-11-24T10:15:00.000000Z", "case": "E-1", "recipient": "CERT", "purpose": "complaint"}
    note_export(tmp_path / "state", entry | {"records": 2, "sources": 1})
    assert "CERT" in typed("evidence", "exports", "-c", config).stdout
