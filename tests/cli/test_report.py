from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.attribution.conftest import flood
from tests.cli.conftest import Type
from tests.fakes.records import write_journal


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration with a journal that holds one attack, on 2026-11-24."""
    write_journal(tmp_path / "journal", flood(calm=1_000))
    file = tmp_path / "config.toml"
    file.write_text('[journal]\ndirectory = "journal"\n')
    return file


def test_a_month_is_reported_in_each_form(config: Path, typed: Type, tmp_path: Path) -> None:
    """Text for people, one page, one object; and the ledger is written beside the segments."""
    text = typed("report", "-c", config, "--month", "2026-11")
    assert text.exit_code == 0
    assert "November 2026: 1 attack." in text.stdout
    assert max(len(line) for line in text.stdout.splitlines()) <= 100
    page = typed("report", "-c", config, "--month", "2026-11", "--format", "html", "-o", tmp_path / "out.html")
    assert page.exit_code == 0
    assert (tmp_path / "out.html").read_text().startswith("<!DOCTYPE html>")
    found = json.loads(typed("report", "-c", config, "--month", "2026-11", "--format", "json").stdout)
    assert found["episodes"][0]["id"] == "E-2026-11-24-1"
    assert (tmp_path / "journal" / "episodes.jsonl").exists()


def test_an_episode_and_a_span_can_be_asked_for(config: Path, typed: Type) -> None:
    """By its ID, or between two moments."""
    one = json.loads(typed("report", "-c", config, "--episode", "E-2026-11-24-1", "--format", "json").stdout)
    assert one["site"]["requests"] == 120 * 42
    assert one["title"] == "Episode E-2026-11-24-1"
    span = ("--since", "2026-11-24T10:15", "--until", "2026-11-24T10:16")
    few = json.loads(typed("report", "-c", config, *span, "--format", "json").stdout)
    assert few["site"]["requests"] == 120


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--month", "2026-11", "--since", "1h"), "give one"),
        (("--episode", "E-1"), "the latest are: E-2026-11-24-1"),
        (("--month", "november"), "allowed: 2026-11"),
        (("-o", "/nowhere/x"), "/nowhere/x"),
    ],
)
def test_what_cannot_be_is_said_plainly(config: Path, typed: Type, words: tuple[str, ...], said: str) -> None:
    """With what is allowed instead."""
    result = typed("report", "-c", config, *words)
    assert result.exit_code != 0
    assert said in result.output


def test_a_month_without_records_and_no_journal_at_all(config: Path, typed: Type, tmp_path: Path) -> None:
    """Both are told, neither is an error."""
    empty = typed("report", "-c", config, "--month", "2020-01")
    assert empty.exit_code == 0
    assert "no record" in empty.stdout
    (tmp_path / "other.toml").write_text('[journal]\ndirectory = "elsewhere"\n')
    none = typed("report", "-c", tmp_path / "other.toml", "--month", "2020-01")
    assert none.exit_code == 0
    assert "no journal" in none.stderr
    assert not (tmp_path / "elsewhere").exists()
