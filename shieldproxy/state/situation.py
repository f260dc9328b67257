"""How the site stands: a few cells the supervisor writes and every worker reads."""

from __future__ import annotations

from shieldproxy.core.facts import Posture

POSTURES = tuple(Posture)
POSTURE, GENERATION, EPOCH = range(3)


class NodeSituation:
    """The port ``Situation`` over shared cells. One process writes, all may read; each cell is whole at any time."""

    __slots__ = ("_cells",)

    def __init__(self, buffer: memoryview | bytearray) -> None:
        self._cells = memoryview(buffer)[:64].cast("Q")

    @property
    def posture(self) -> Posture:
        """The posture of this second."""
        return POSTURES[self._cells[POSTURE]]

    @posture.setter
    def posture(self, posture: Posture) -> None:
        self._cells[POSTURE] = POSTURES.index(posture)

    @property
    def generation(self) -> int:
        """How often the policy was replaced; a worker that holds an older one loads it again."""
        return self._cells[GENERATION]

    @generation.setter
    def generation(self, generation: int) -> None:
        self._cells[GENERATION] = generation

    @property
    def epoch(self) -> int:
        """The epoch below which clearances are revoked."""
        return self._cells[EPOCH]

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self._cells[EPOCH] = epoch
