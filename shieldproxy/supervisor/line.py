"""The keeper of the line: once a second it hears how much room there is, and calls those who came first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shieldproxy.core.line import SECOND, Line, advance, ahead
from shieldproxy.state.line import NodeLine
from shieldproxy.state.memory import NodeMemory, Region

if TYPE_CHECKING:
    from shieldproxy.oplog import Log


class LineKeeper:
    """Moves the front of one node's line."""

    def __init__(self, memory: NodeMemory, log: Log) -> None:
        self._shared = NodeLine(memory.region(Region.LINE))
        self._log = log
        self._line = Line()
        self._came = 0
        self._longest = 0
        self.waiting = 0

    def counts(self) -> dict[str, float]:
        """Return how many wait now, and how many joined and were let in since the node started."""
        joined = self._shared.joined_in_all()
        return {"line_waiting": self.waiting, "line_joined": joined, "line_let_in": self._came}

    def tick(self, wall: float) -> None:
        """Take one more second; ``wall`` is unix seconds. Costs nothing that grows while nobody waits."""
        now, heard = int(wall * SECOND), self._shared.heard()
        came, self._came = heard.came - self._came, heard.came
        opened = self._shared.opened
        joined = self._shared.fresh(now) if opened else ()
        self._line = advance(self._line, joined, heard._replace(came=came), now)
        self.waiting = ahead(joined, self._line.front, now, now)
        self._shared.move(self._line.front, self._line.rate, opened=self._line.front.moment < now)
        self._tell()

    def _tell(self) -> None:
        if self.waiting and not self._longest:
            self._log.warning("the site is full: people wait in line", waiting=self.waiting)
        elif self._longest and not self.waiting:
            self._log.info("nobody waits in line any more", longest=self._longest)
        self._longest = max(self._longest, self.waiting) if self.waiting else 0
