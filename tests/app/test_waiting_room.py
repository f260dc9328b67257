"""What the configuration says to the waiting room."""

from __future__ import annotations

import pytest

from shieldproxy.app.waiting_room import pass_seconds, waiting_room
from shieldproxy.guard.appearance import Appearance
from shieldproxy.settings.reading import load
from shieldproxy.state.keys import KeyRing
from shieldproxy.state.line import NodeLine
from shieldproxy.state.memory import NodeMemory, Region, Sizes
from tests.guard.at_the_gate import BOOK


@pytest.mark.parametrize(
    ("said", "seconds"), [((), 600.0), (("origin.waiting_pass='1m'",), 60.0), (("origin.waiting_page=false",), 0.0)]
)
def test_a_pass_holds_as_long_as_the_configuration_says(said: tuple[str, ...], seconds: float) -> None:
    """And not at all where people do not wait on a page."""
    assert pass_seconds(load(None, said)) == seconds


def test_all_processes_of_a_node_have_one_line() -> None:
    """Who joined by one is seen by the other."""
    memory = NodeMemory.create(Sizes(buckets=1_024, bans=1_024, spent=1_024, workers=2), b"s" * 32)
    rooms = [waiting_room(load(None, ()), memory, index, KeyRing((b"k" * 32,)), Appearance(), BOOK) for index in (0, 1)]
    NodeLine(memory.region(Region.LINE), 1).join(1_800_000_000_000_000)
    for room in rooms:
        room.turn(0)
    assert [room.opened for room in rooms] == [True, True]
    memory.close()
