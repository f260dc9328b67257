"""The measurement as a whole, small."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from click.testing import CliRunner

from benchmarks import __main__ as command
from benchmarks.comparison import MEMORY, Pace, choose_space

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_one_command_gives_one_result_and_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scenario with the one peer that is always there is measured, printed as JSON and kept; who cannot is named."""
    monkeypatch.setattr(command, "RESULTS", tmp_path / "benchmarks" / "results")
    monkeypatch.setattr(command, "QUICK", Pace(rounds=1, seconds=1.0, warm_up=0.2))
    chosen = ["--scenario", "deny", "--peer", "aiohttp", "--peer", "caddy"]
    outcome = CliRunner().invoke(command.main, ["--quick", "--json", "--guard", *chosen], catch_exceptions=False)
    result = json.loads(outcome.stdout)
    [measured] = result["scenarios"]
    assert list(measured["rounds"]) == ["aiohttp"]
    assert measured["rounds"]["aiohttp"][0]["reading"]["refused"] > 0
    assert "caddy" in measured["left_out"]
    [kept] = (tmp_path / "benchmarks" / "results").iterdir()
    assert json.loads(kept.read_text()) == result
    assert outcome.exit_code == 1, "a guard that could not measure shieldproxy itself has nothing to be content with"


def test_a_long_run_does_not_fill_the_memory() -> None:
    """Logs go to memory only where a whole round of them has room."""
    assert choose_space(Pace(rounds=1, seconds=1e9, warm_up=1.0)) != MEMORY
