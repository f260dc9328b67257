"""The measure of challenges: it measures what the page does, and its bounds hold with room for a slow machine."""

from __future__ import annotations

import json

from click.testing import CliRunner

from benchmarks.challenge import CHROMIUM, JUNK, TIMES, USUAL, main, solver
from shieldproxy.core.puzzles import MAX_ANSWER


def test_everything_is_measured() -> None:
    """Page, our own part and, where there is a Chromium, the time of every difficulty."""
    got = CliRunner().invoke(main, ["--json", "--samples", "5", "--seconds", "0.01"])
    assert got.exit_code == 0, got.output
    found = json.loads(got.stdout)
    assert found["page"]["largest"][1] < 15_000
    assert len(found["ours_us"]) == 2 + len(JUNK)
    assert all(cost > 0 for cost in found["ours_us"].values())
    if CHROMIUM.exists():
        assert [row["work"] for row in found["chromium"]] == [USUAL * times for times in TIMES]
        assert all(row["median_ms"] > 0 for row in found["chromium"])


def test_the_solver_is_the_pages_own() -> None:
    """It is cut out of the file that visitors get; the junk is as long as is read at all, but one."""
    assert "deriveBits" in solver()
    assert "new Worker" in solver()
    assert sorted(len(payload) <= MAX_ANSWER for payload in JUNK.values()) == [False] + [True] * (len(JUNK) - 1)
