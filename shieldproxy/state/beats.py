"""Beats: one number for each worker, in memory that all share: how often its event loop came round."""

from __future__ import annotations

CELL = 8


def bytes_for(workers: int) -> int:
    """Return the bytes that ``workers`` need."""
    return workers * CELL


class Beats:
    """The numbers over ``buffer``. A worker writes its own, the supervisor reads all; each is whole at any time."""

    __slots__ = ("_cells",)

    def __init__(self, buffer: memoryview | bytearray) -> None:
        view = memoryview(buffer)
        self._cells = view[: len(view) // CELL * CELL].cast("Q")

    def beat(self, index: int) -> None:
        """Say that the loop of worker ``index`` came round."""
        self._cells[index] = (self._cells[index] + 1) & 0xFFFF_FFFF_FFFF_FFFF

    def count(self, index: int) -> int:
        """Return how often worker ``index`` said so, those before it under its number included."""
        return self._cells[index]
