"""The keeper calls those who came first, as many as workers have room for, and says so."""

from __future__ import annotations

from typing import Any

from shieldproxy.core.line import SECOND
from shieldproxy.state.line import NodeLine
from shieldproxy.state.memory import NodeMemory, Region, Sizes
from shieldproxy.supervisor.line import LineKeeper

START = 1_800_000_000


class Heard:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []

    def info(self, event: str, **values: Any) -> None:
        self.said.append((event, values))

    warning = info


def test_the_first_are_called_as_room_grows() -> None:
    """Over two workers: nobody while there is no room, then two, then all; and the line is closed."""
    memory = NodeMemory.create(Sizes(buckets=1_024, bans=1_024, spent=1_024, workers=3), b"s" * 32)
    try:
        log = Heard()
        keeper = LineKeeper(memory, log)  # type: ignore[arg-type]  # two methods of a log are asked for
        first, second = (NodeLine(memory.region(Region.LINE), index) for index in range(2))
        keeper.tick(START)
        assert not first.opened
        for after in range(4):
            (first if after % 2 else second).join((START + after) * SECOND + 10)
        keeper.tick(START + 4)
        assert (keeper.waiting, first.opened) == (4, True)
        first.tell(1)
        second.tell(1)
        keeper.tick(START + 5)
        assert keeper.waiting == 2
        assert (START + 1) * SECOND + 10 <= first.front.moment < (START + 2) * SECOND + 10
        first.come()
        second.come()
        second.tell(9)
        keeper.tick(START + 6)
        assert (keeper.waiting, first.opened) == (0, False)
        assert keeper.counts() == {"line_waiting": 0, "line_joined": 4, "line_let_in": 2}
        assert [event for event, _ in log.said] == [
            "the site is full: people wait in line",
            "nobody waits in line any more",
        ]
        del first, second
    finally:
        memory.close()
