"""The result as text."""

from __future__ import annotations

from benchmarks.comparison import Outcome
from benchmarks.reading import Reading, Round
from benchmarks.report import markdown, noise, servers, targets
from benchmarks.rows.finding import at_least, left_out
from benchmarks.scenarios import SCENARIOS


def outcome() -> Outcome:
    def round_of(cpu: float) -> Round:
        reading = Reading(requests=1_000, seconds=1.0, p50_us=1, p99_us=2, refused=0)
        return Round(reading, server_cpu=cpu, origin_cpu=0, load_cpu=0, other_cpu=0.5, elapsed=1.0)

    return Outcome(SCENARIOS["pass"], rounds={"shieldproxy": [round_of(0.1)], "nginx": [round_of(0.05)]})


def test_every_line_has_its_target_and_its_distance() -> None:
    """Met, a share of it, or a word why not."""
    found = [at_least("pass", "x nginx", 0.3, 0.6), left_out("offload", "banned", "<= 1", "needs root")]
    lines = targets(found).splitlines()
    assert "50% of it" in lines[2]
    assert "not measured" in lines[3]
    assert "needs root" in lines[3]


def test_servers_are_compared_by_what_one_request_costs() -> None:
    """The cheapest first, and how much of its work ours does."""
    lines = servers([outcome()]).splitlines()
    assert "| nginx" in lines[2]
    assert "0.50" in lines[2]
    assert "**shieldproxy**" in lines[3]
    assert "0.50 cores" in noise([outcome()])
    assert noise([]) == ""


def test_a_table_is_read_as_text_too() -> None:
    """All lines are equally long, and a bar within a cell ends no cell."""
    lines = markdown(("a", "b"), [("long cell", "x|y"), ("s", "")]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert "x\\|y" in lines[2]
