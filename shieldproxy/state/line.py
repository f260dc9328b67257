"""The line in memory that all share: who joined when, counted by the second, how much room there is, and the front.

Each worker counts in a row of its own; the supervisor reads all rows once a second and writes the front. Each cell is
whole at any time, and whoever reads a second too early sees it a second later. A row is 28 KiB, however many wait.
"""

from __future__ import annotations

from shieldproxy.core.line import LONGEST, SECOND, Front, Heard

CELL = 8
FRONT, PASSED, OPENED, RATE = range(4)
HEAD = 8
# A row: how many called ones came in all, how many more there is room for, how many joined in all; then a ring of
# seconds.
CAME, ROOM, JOINED = range(3)
ROW_HEAD = 8
ROW = ROW_HEAD + LONGEST
# A cell of the ring says which second it counts, in its upper half.
HALF = 32
MOST = (1 << HALF) - 1
# The rate is kept in thousandths.
MILLI = 1_000


def bytes_for(workers: int) -> int:
    """Return the bytes that the line of ``workers`` needs."""
    return (HEAD + workers * ROW) * CELL


class NodeLine:
    """The line as one process sees it; ``index`` is the row it writes, beside what the supervisor writes for all."""

    __slots__ = ("_cells", "_counts", "_known", "_row")

    def __init__(self, buffer: memoryview | bytearray, index: int = 0) -> None:
        view = memoryview(buffer)
        self._cells = view[: len(view) // CELL * CELL].cast("Q")
        self._row = HEAD + index * ROW
        # The second and the front's, and how many joined in each second between: counted once a second.
        self._known = (0, 0)
        self._counts: dict[int, int] = {}

    # -- what everybody reads -----------------------------------------------------------------------------------------

    @property
    def opened(self) -> bool:
        """Whether anybody waits: some worker found the site full, and not all who waited were called yet."""
        return self._cells[OPENED] != 0

    @property
    def front(self) -> Front:
        """The moment by which one must have come to be called."""
        return Front(self._cells[FRONT], self._cells[PASSED])

    @property
    def rate(self) -> float:
        """How many are called a second."""
        return self._cells[RATE] / MILLI

    def joined(self, now: int) -> tuple[tuple[int, int], ...]:
        """Return the seconds since the front and how many joined in each, over all workers.

        Of others it is as it was when this second began, or the front moved.
        """
        known = now // SECOND, self._cells[FRONT] // SECOND
        if self._known != known:
            self._known, self._counts = known, self._count(now)
        return tuple(self._counts.items())

    def fresh(self, now: int) -> tuple[tuple[int, int], ...]:
        """Return the same, counted anew."""
        return tuple(self._count(now).items())

    def _count(self, now: int) -> dict[int, int]:
        last = now // SECOND
        counts: dict[int, int] = {}
        rows = [*range(HEAD + ROW_HEAD, len(self._cells), ROW)]
        for second in range(max(self._cells[FRONT] // SECOND, last - LONGEST + 1), last + 1):
            cells = (self._cells[row + second % LONGEST] for row in rows)
            found = sum(cell & MOST for cell in cells if cell >> HALF == second)
            if found:
                counts[second] = found
        return counts

    # -- what a worker writes -----------------------------------------------------------------------------------------

    def join(self, arrived: int) -> None:
        """Count somebody who joined at ``arrived``; the line is open from now on."""
        second = arrived // SECOND
        place = self._row + ROW_HEAD + second % LONGEST
        cell = self._cells[place]
        count = cell & MOST if cell >> HALF == second else 0
        self._cells[place] = second << HALF | min(count + 1, MOST)
        self._cells[self._row + JOINED] += 1
        self._cells[OPENED] = 1
        if self._known[0] == second:
            self._counts[second] = self._counts.get(second, 0) + 1

    def reopen(self) -> None:
        """Say that the site is full, without somebody new in the line."""
        self._cells[OPENED] = 1

    def come(self) -> None:
        """Count somebody who was called and came."""
        self._cells[self._row + CAME] += 1

    def tell(self, room: int) -> None:
        """Say for how many more there is room."""
        self._cells[self._row + ROOM] = max(0, room)

    # -- what the supervisor does -------------------------------------------------------------------------------------

    def heard(self) -> Heard:
        """Return the room that all workers have, and how many came since the node started."""
        rows = range(HEAD, len(self._cells), ROW)
        return Heard(sum(self._cells[row + ROOM] for row in rows), sum(self._cells[row + CAME] for row in rows))

    def joined_in_all(self) -> int:
        """Return how many joined since the node started."""
        return sum(self._cells[row + JOINED] for row in range(HEAD, len(self._cells), ROW))

    def move(self, front: Front, rate: float, *, opened: bool) -> None:
        """Write how the line stands."""
        self._cells[FRONT], self._cells[PASSED] = front
        self._cells[RATE] = int(rate * MILLI)
        self._cells[OPENED] = int(opened)
