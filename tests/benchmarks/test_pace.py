"""A steady load."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from click.testing import CliRunner

from benchmarks.cores import available_cores
from benchmarks.loopback import loopback_target
from benchmarks.origin import Origin
from benchmarks.pace import MAX_RATE, Pace, main

if TYPE_CHECKING:
    from pathlib import Path


def test_sends_what_is_due_and_counts_from_then(tmp_path: Path) -> None:
    """As many requests as the rate says, each answered, with a latency each."""
    with Origin(tmp_path, available_cores()) as origin:
        pace = Pace(loopback_target(origin.url + "/page.html"), 200.0, 1.0)
        pace.run()
    assert pace.failed == 0
    assert 140 < pace.latencies.count < 260
    assert pace.latencies.percentile(0.5) > 0


def test_an_answer_that_is_none_is_a_failure(tmp_path: Path) -> None:
    """Only a page that came counts as a latency."""
    with Origin(tmp_path, available_cores()) as origin:
        pace = Pace(loopback_target(origin.url + "/missing"), 50.0, 0.5)
        pace.run()
    assert pace.latencies.count == 0
    assert pace.failed > 0


def test_is_bounded_and_stays_here() -> None:
    """No other machine, and no rate that is meant to hurt."""
    assert CliRunner().invoke(main, ["http://192.0.2.1/"]).exit_code == 2
    assert CliRunner().invoke(main, ["http://127.0.0.1:1/", "--rate", str(MAX_RATE * 2)]).exit_code == 2


def test_by_hand_it_prints_one_json_object(tmp_path: Path) -> None:
    """What the row reads is what a person sees."""
    with Origin(tmp_path, available_cores()) as origin:
        said = CliRunner().invoke(main, [origin.url + "/page.html", "--rate", "100", "--seconds", "0.3"]).output
    assert {"requests", "failed", "p50_us", "p99_us"} <= set(json.loads(said))
