"""The scenarios as data."""

from __future__ import annotations

import pytest

from benchmarks.peers import ALL, DEFAULT
from benchmarks.scenarios import SCENARIOS


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_can_be_measured(name: str) -> None:
    """Every floor names a server that is measured without being asked for and can do what the scenario wants."""
    scenario = SCENARIOS[name]
    assert scenario.name == name
    for floor in scenario.floors:
        assert floor.peer in DEFAULT
        assert scenario.shape in ALL[floor.peer].shapes
    assert scenario.shape in ALL["shieldproxy"].shapes


@pytest.mark.parametrize(
    ("name", "refused", "requests", "said"),
    [
        ("pass", 0, 1000, ""),
        ("pass", 2, 1000, "were refused"),
        ("deny", 1000, 1000, ""),
        ("deny", 980, 1000, "only 98.0% were refused"),
        ("pass", 0, 0, "nothing was answered"),
    ],
)
def test_a_server_that_did_something_else_is_found_out(name: str, refused: int, requests: int, said: str) -> None:
    """Figures of a server that let pass what it should refuse, or the other way round, are not printed."""
    complaint = SCENARIOS[name].complaint(refused, requests)
    assert said in complaint
    assert bool(complaint) is bool(said)
