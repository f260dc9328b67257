from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from shieldproxy.cli.tune import tune
from tests.fakes.logs import combined, reader_of_pages, write_log


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Run ``shieldproxy tune`` on some lines."""
    (tmp_path / "c.toml").write_text("")

    def invoke(lines: list[str], *arguments: str) -> Result:
        log = write_log(tmp_path / "a.log", lines)
        return CliRunner().invoke(tune, [str(log), "-c", str(tmp_path / "c.toml"), *arguments])

    return invoke


LINES = [*reader_of_pages("198.51.100.1", 0), *[combined(40, "203.0.113.7", agent="curl/8")] * 90]


def test_a_proposal_says_what_it_means(run: Any) -> None:
    """Steps, what is in force, the definition of people, how far to trust it, and the lines to paste."""
    result = run(LINES)
    assert result.exit_code == 0
    for words in ("in force", "*", "a person is", "Fewer than 300 people", "[limits.client]", "rate = 0.5"):
        assert words in result.stdout


def test_programs_read_a_row_for_each_step(run: Any) -> None:
    """One object a line, with the same figures."""
    rows = [json.loads(line) for line in run(LINES, "--format", "json").stdout.splitlines()]
    assert {row["scope"] for row in rows} == {"client", "network", "asn"}
    assert sum(row["proposed"] for row in rows) == 3


def test_a_log_without_people_proposes_nothing(run: Any) -> None:
    """Where nobody looks like a person every limit would be bearable, and none is proven."""
    result = run(LINES[-50:])
    assert "[limits" not in result.stdout
    assert run([]).exit_code == 1
    assert run(["x"] * 2_000).exit_code == 2
