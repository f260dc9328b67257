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
    for floor in (*scenario.floors, *scenario.targets):
        assert floor.peer in DEFAULT
        assert scenario.shape in ALL[floor.peer].shapes
    assert scenario.shape in ALL["shieldproxy"].shapes


@pytest.mark.parametrize(
    ("name", "refused", "requests", "said"),
    [
        ("challenge", 1000, 1000, ""),
        ("challenge", 10, 1000, "only 1.0% were refused"),
        ("pass", 0, 1000, ""),
        ("pass", 2, 1000, "were refused"),
        ("deny", 1000, 1000, ""),
        ("deny", 980, 1000, "only 98.0% were refused"),
        ("pass", 0, 0, "nothing was answered"),
    ],
)
def test_a_server_that_did_something_else_is_found_out(name: str, refused: int, requests: int, said: str) -> None:
    """Figures of a server that let pass what it should refuse, or the other way round, are not printed."""
    complaint = SCENARIOS[name].complaint("shieldproxy", refused, requests)
    assert said in complaint
    assert bool(complaint) is bool(said)


def test_a_peer_serves_as_a_file_what_we_challenge_with() -> None:
    """The same bytes with another status: 200 is right for the peer, 503 for us."""
    scenario = SCENARIOS["challenge"]
    assert scenario.complaint("nginx", 0, 1000) == ""
    assert scenario.expected("shieldproxy") == 503
