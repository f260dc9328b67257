"""Floors by ratio."""

from __future__ import annotations

import pytest

from benchmarks.floors import Floor, capacity_ratio, judge_floors, rate_ratio
from benchmarks.reading import Reading, Round


def a_round(requests: int, cpu: float) -> Round:
    reading = Reading(requests=requests, seconds=1.0, p50_us=1, p99_us=2, refused=0)
    return Round(reading, server_cpu=cpu, origin_cpu=0, load_cpu=0, other_cpu=0, elapsed=1.0)


def test_ratios_are_medians_of_paired_rounds() -> None:
    """A machine that was slow in one round for both does not move the ratio."""
    ours = [a_round(500, 1.0), a_round(50, 1.0), a_round(500, 1.0)]
    theirs = [a_round(1000, 1.0), a_round(100, 1.0), a_round(1000, 1.0)]
    assert rate_ratio(ours, theirs) == capacity_ratio(ours, theirs) == pytest.approx(0.5)


def test_processor_time_decides_where_the_core_was_not_full() -> None:
    """Two servers at the same rate, one with half the processor time: it can do twice as much."""
    ours, theirs = [a_round(1000, 0.4)], [a_round(1000, 0.8)]
    assert rate_ratio(ours, theirs) == pytest.approx(1.0)
    assert capacity_ratio(ours, theirs) == pytest.approx(2.0)


@pytest.mark.parametrize(("requests", "met"), [(499, False), (500, True), (900, True)])
def test_a_floor_is_met_or_missed(requests: int, met: bool) -> None:  # noqa: FBT001
    """A floor holds from its ratio on."""
    rounds = {"shieldproxy": [a_round(requests, 1.0)], "nginx": [a_round(1000, 1.0)]}
    [judgement] = judge_floors([Floor("nginx", 0.5)], rounds)
    assert judgement.met is met
    assert judgement.sentence().endswith("met" if met else "missed")


def test_a_peer_that_is_not_there_misses_nothing() -> None:
    """Without a measurement there is a word instead of a judgement."""
    [judgement] = judge_floors([Floor("caddy", 1.5)], {"shieldproxy": [a_round(1, 1.0)]})
    assert judgement.met is None
    assert judgement.sentence() == ">= 1.5 x caddy: not measured"
