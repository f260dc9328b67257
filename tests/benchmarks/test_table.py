"""The printed comparison."""

from __future__ import annotations

import io
import json

from rich.console import Console

from benchmarks.comparison import Outcome
from benchmarks.peers import ALL
from benchmarks.reading import Reading, Round
from benchmarks.scenarios import SCENARIOS
from benchmarks.table import WIDTH, as_dict, render, verdicts


def outcome(*, noise: float = 0.0) -> Outcome:
    def round_of(requests: int) -> Round:
        reading = Reading(requests=requests, seconds=1.0, p50_us=999_999, p99_us=999_999, refused=0)
        return Round(reading, server_cpu=0.95, origin_cpu=0, load_cpu=0, other_cpu=noise, elapsed=1.0)

    rounds = {name: [round_of(100_000 * (1 + n)), round_of(1)] for n, name in enumerate(ALL)}
    return Outcome(SCENARIOS["pass"], rounds=rounds, left_out={"someone": "is not installed"})


def test_fits_in_100_columns_with_every_server_named() -> None:
    """However large the figures, no line is wider and no name is cut."""
    text = io.StringIO()
    Console(file=text, width=WIDTH).print(render(outcome()))
    lines = text.getvalue().splitlines()
    assert max(map(len, lines)) <= 100
    assert all(any(f" {name} " in line for line in lines) for name in ALL)
    assert SCENARIOS["pass"].title in lines[0]


def test_says_floors_noise_and_who_was_left_out() -> None:
    """The lines under the table hold what the figures alone do not say."""
    said = "\n".join(verdicts(outcome(noise=0.5)))
    assert "floor >= 1.5 x caddy" in said
    assert "not quiet" in said
    assert "left out someone: is not installed" in said
    assert "not quiet" not in "\n".join(verdicts(outcome()))


def test_is_plain_data_too() -> None:
    """The same as JSON: every round, ratios both ways, floors with their judgement."""
    data = json.loads(json.dumps(as_dict(outcome())))
    assert set(data["rounds"]) == set(ALL)
    assert set(data["ratios"]["nginx"]) == {"by_cpu", "by_rate"}
    assert data["floors"][0]["peer"] == "caddy"
