"""What a round says."""

from __future__ import annotations

import json

import pytest

from benchmarks.reading import Reading, Round


def test_figures_follow_from_counts_and_clocks() -> None:
    """Rate, processor time of a request, capacity, share of the core and noise are plain divisions."""
    reading = Reading(requests=30_000, seconds=2.0, p50_us=1, p99_us=2, refused=0)
    one = Round(reading, server_cpu=1.5, origin_cpu=0.5, load_cpu=0.5, other_cpu=0.2, elapsed=2.0)
    assert reading.rate == 15_000
    assert one.cpu_us == pytest.approx(50)
    assert one.capacity == pytest.approx(20_000)
    assert one.busy == pytest.approx(0.75)
    assert one.noise == pytest.approx(0.1)
    assert json.loads(json.dumps(one.as_dict()))["cpu_us_per_request"] == pytest.approx(50)


def test_nothing_answered_divides_by_nothing() -> None:
    """A round without an answer has no capacity and does not crash."""
    nothing = Reading(requests=0, seconds=0.0, p50_us=0, p99_us=0, refused=0)
    one = Round(nothing, server_cpu=0.1, origin_cpu=0, load_cpu=0, other_cpu=0, elapsed=0.0)
    assert (nothing.rate, one.capacity, one.busy) == (0.0, 0.0, 0.0)
