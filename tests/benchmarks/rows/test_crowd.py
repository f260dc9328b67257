"""The crowd and the node beside it, small."""

from __future__ import annotations

import pytest

from benchmarks import crowd as generator
from benchmarks.comparison import Bench, Pace, choose_space
from benchmarks.cores import assign, available_cores
from benchmarks.resident import Resident
from benchmarks.rows.crowd import Watched, crowd

PACE = Pace(1, 1.0, 0.1)
BENCH = Bench(PACE, assign(available_cores()), choose_space(PACE), lambda _: None)


def test_nobody_is_lost_and_the_pest_gets_what_is_its_own() -> None:
    """A second of it: every request answered is in the journal, and the limit of the one client is exact."""
    lines = {line.asked: line for line in crowd(BENCH, clients=2_000, seconds=20.0).findings}
    assert lines["weights in the journal, of requests answered"].met
    assert lines["one that misbehaves among them"].met
    assert lines["table of buckets, MiB"].met


@pytest.mark.parametrize(("looks", "growth"), [([100, 100, 120], 0.2), ([100], None)])
def test_growth_counts_from_the_first_hundred_thousand(looks: list[int], growth: float | None) -> None:
    """What a node takes until then is its size; one look is no growth."""
    steps = [(generator.STEP * (10 + number), Resident(size, 0, 1)) for number, size in enumerate(looks)]
    watched = Watched({"clients": 10**6}, steps)
    assert watched.growth() == (None if growth is None else pytest.approx(growth))
