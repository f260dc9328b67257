from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Type

LINE = '192.0.2.{} - - [24/Nov/2026:10:15:0{} +0000] "GET / HTTP/1.1" 200 5 "-" "curl"\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration with an empty journal."""
    file = tmp_path / "config.toml"
    file.write_text('[journal]\ndirectory = "journal"\n')
    return file


def test_logs_are_imported_and_reviewed(config: Path, typed: Type, tmp_path: Path) -> None:
    """One file or several; each is told with its count and its span, and ``logs`` shows it."""
    for name in ("a.log", "b.log"):
        (tmp_path / name).write_text("".join(LINE.format(number, number) for number in range(5)) + name)
    result = typed("import", "-c", config, tmp_path / "a.log")
    assert result.exit_code == 0
    assert "imported:a.log" in result.stdout
    assert "a.log:6: " in result.stderr
    both = typed("import", "-c", config, "--format", "json", tmp_path / "a.log", tmp_path / "b.log")
    assert both.exit_code == 1
    assert "in the journal already" in both.stderr
    assert json.loads(both.stdout)["records"] == 5
    shown = typed("logs", "-c", config, "--action", "any", "--format", "json", "--limit", "0")
    assert len(shown.stdout.splitlines()) == 10


def test_what_cannot_be_read_ends_with_2(config: Path, typed: Type, tmp_path: Path) -> None:
    """With the file and the reason."""
    (tmp_path / "x.log").write_text("garbage\n" * 2_000)
    result = typed("import", "-c", config, tmp_path / "x.log")
    assert result.exit_code == 2
    assert "x.log: no log" in result.stderr
