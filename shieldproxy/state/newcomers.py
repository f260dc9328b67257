"""Newcomers: what those who have shown nothing yet ask for, by network, counted by each worker in a table of its own.

The node reads the tables each second and takes the difference, so nothing is sent and nothing is locked. A table has a
fixed size; networks that find no room are counted together, and a full table begins anew each second.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from shieldproxy.core.excess import Counted, Deed

# Networks that one worker tells apart in a second; a flood from more than these is a flood from everywhere.
NETWORKS = 4_096


# The first place of a row holds the ASN.
CELLS = len(Deed) + 1
ROWS = NETWORKS + 1
TABLE_BYTES = ROWS * CELLS * 8


def bytes_for(workers: int) -> int:
    """Return how many bytes the tables of ``workers`` take."""
    return workers * TABLE_BYTES


class WorkerNewcomers:
    """The table of one worker, numbered ``worker``; a worker that starts anew counts on."""

    def __init__(self, buffer: memoryview | bytearray, worker: int) -> None:
        self._cells = _table(buffer, worker)
        asns = self._cells[::CELLS].tolist()
        self._places = {int(asn): row * CELLS for row, asn in enumerate(asns) if asn and row}

    def count(self, asn: int, deed: int) -> None:
        """Count one deed of a network; ASN 0 and those that find no room are counted together."""
        place = self._places.get(asn)
        if place is None:
            place = self._place(asn)
        self._cells[place + deed] += 1.0

    def _place(self, asn: int) -> int:
        row = len(self._places) + 1
        if row >= ROWS or not asn:
            return 0
        place = row * CELLS
        self._cells[place] = float(asn)
        self._places[asn] = place
        return place

    def turn(self) -> None:
        """Begin anew when the table is full; once a second is often enough. What was not read yet is lost."""
        if len(self._places) < NETWORKS:
            return
        self._places.clear()
        self._cells[CELLS:] = memoryview(bytes((ROWS - 1) * CELLS * 8)).cast("d")


class NodeNewcomers:
    """Reads what all workers counted since the last time."""

    def __init__(self, buffer: memoryview | bytearray) -> None:
        self._tables = [_table(buffer, worker) for worker in range(len(buffer) // TABLE_BYTES)]
        self._before: list[dict[int, list[float]]] = [_rows(table) for table in self._tables]

    def news(self) -> Mapping[int, Counted]:
        """Return what newcomers of each network did since the last call; 0 are all that have no row of their own."""
        added: defaultdict[int, list[int]] = defaultdict(lambda: [0] * len(Deed))
        for index, table in enumerate(self._tables):
            rows, before = _rows(table), self._before[index]
            for asn, counts in rows.items():
                old = before.get(asn)
                if counts != old:
                    sums = added[asn]
                    for place, count in enumerate(counts):
                        # A table that began anew counts from nothing.
                        grown = count - (old[place] if old and old[place] <= count else 0.0)
                        sums[place] += int(grown)
            self._before[index] = rows
        return {asn: Counted(*sums) for asn, sums in added.items()}


def _table(buffer: memoryview | bytearray, worker: int) -> memoryview[float]:
    if not 0 <= worker < len(buffer) // TABLE_BYTES:
        raise ValueError(f"worker {worker}: there are {len(buffer) // TABLE_BYTES} tables")
    return memoryview(buffer)[worker * TABLE_BYTES : (worker + 1) * TABLE_BYTES].cast("d")


def _rows(table: memoryview[float]) -> dict[int, list[float]]:
    asns = table[::CELLS].tolist()
    used = next((row for row in range(1, ROWS) if not asns[row]), ROWS)
    cells: Sequence[float] = table[: used * CELLS].tolist()
    return {int(cells[at]): list(cells[at + 1 : at + CELLS]) for at in range(0, len(cells), CELLS)}
