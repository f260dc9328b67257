"""Latencies beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.cores import available_cores
from benchmarks.origin import Origin
from benchmarks.rows.latency import _findings, paced

if TYPE_CHECKING:
    from pathlib import Path


def test_what_a_proxy_adds_is_told_against_the_same_round() -> None:
    """A round in which everything was slow adds nothing to anybody's account."""
    rounds = {
        "direct": [{"p50_us": 100.0, "p99_us": 500.0, "failed": 0}, {"p50_us": 900.0, "p99_us": 1500.0, "failed": 0}],
        "nginx": [{"p50_us": 150.0, "p99_us": 600.0, "failed": 0}, {"p50_us": 950.0, "p99_us": 1600.0, "failed": 2}],
    }
    direct, nginx = _findings(rounds, 1_000.0)
    assert direct.found == "500 / 1,000"
    assert nginx.found == "50 / 100"
    assert "2 failed" in nginx.note


def test_a_process_of_its_own_paces(tmp_path: Path) -> None:
    """It says what it measured."""
    with Origin(tmp_path, available_cores()) as origin:
        said = paced(origin.url + "/page.html", 100.0, 0.5, available_cores())
    assert said["failed"] == 0
    assert said["p50_us"] > 0
