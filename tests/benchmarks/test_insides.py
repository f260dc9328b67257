"""The cost inside a worker: measured on real requests, each answered and written down."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import insides


async def test_every_request_that_is_measured_is_answered_and_recorded(tmp_path: Path) -> None:
    """Both figures are there, of requests that went the whole way."""
    cost = await insides.measure(tmp_path, passes=1, rounds=2, connections=3)
    assert cost.loop > 0.0
    assert cost.journal > 0.0


async def test_a_request_that_is_not_passed_is_no_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An origin that says something else is found out."""
    monkeypatch.setattr(insides, "ANSWER", insides.ANSWER.replace(b"200 OK", b"500 No", 1))
    with pytest.raises(ValueError, match="answered with"):
        await insides.measure(tmp_path, passes=1, rounds=2, connections=3)


def test_the_command_prints_both_figures() -> None:
    """One line that can be pasted."""
    said = CliRunner().invoke(insides.main, ["--passes", "1"])
    assert said.exit_code == 0
    assert "us in the loop" in said.output
