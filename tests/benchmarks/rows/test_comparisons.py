"""Lines that come out of comparisons."""

from __future__ import annotations

import pytest

from benchmarks.comparison import Bench, Outcome, Pace, choose_space
from benchmarks.cores import Cores, assign, available_cores
from benchmarks.reading import Reading, Round
from benchmarks.rows import comparisons
from benchmarks.rows.comparisons import against_peers, two_workers, wrong_answers
from benchmarks.scenarios import SCENARIOS, Scenario

PACE = Pace(1, 1.0, 0.1)
BENCH = Bench(PACE, assign(available_cores()), choose_space(PACE), lambda _: None)
SEEN: list[Cores] = []


def a_round(cpu: float) -> Round:
    reading = Reading(requests=1_000, seconds=1.0, p50_us=1, p99_us=2, refused=0)
    return Round(reading, server_cpu=cpu, origin_cpu=0, load_cpu=0, other_cpu=0, elapsed=1.0)


def fake_compare(scenario: Scenario, names: tuple[str, ...], bench: Bench) -> Outcome:
    SEEN.append(bench.cores)
    cost = {1: 0.1, 2: 0.125}[scenario.workers]
    ours = {"shieldproxy": [a_round(cost)]}
    return Outcome(scenario, rounds=ours | ({"nginx": [a_round(0.05)]} if "nginx" in names else {}))


@pytest.fixture(autouse=True)
def _no_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparisons, "compare", fake_compare)


def test_each_target_has_a_line() -> None:
    """A peer that was not measured has one too, without a judgement."""
    lines = against_peers("pass", ("shieldproxy", "nginx"), BENCH).findings
    assert [line.asked for line in lines] == [f"pass, x {target.peer}" for target in SCENARIOS["pass"].targets]
    assert lines[0].found == "0.50"
    assert [line.met for line in lines] == [False, None, None]


def test_two_workers_count_by_what_a_request_costs_each() -> None:
    """Two cores, each request a quarter dearer: 1.6 times one."""
    if len(available_cores()) < 2:
        pytest.skip("one core")
    [line] = two_workers(BENCH).findings
    assert line.found == "1.60"
    assert line.met is False
    assert len(SEEN[-1].server) == 2


def test_wrong_answers_are_counted_a_second_and_core() -> None:
    """A hundred microseconds each are ten thousand a second."""
    lines = wrong_answers(BENCH).findings
    assert [line.found for line in lines] == ["10,000", "10,000"]
    assert all(line.met is False for line in lines)
