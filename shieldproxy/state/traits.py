"""Traits counted: pages that newcomers ask for by what they share, counted by each worker in a table of its own.

Like state.newcomers: nothing is sent, nothing is locked, the node reads differences. A row has room for a short text
and a count. Traits that find no row are counted in one of their kind, and a full table begins anew each second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from shieldproxy.core.traits import MOST_BYTES, Kind, kind_of

# Rows of one worker. All browsers, paths and referring sites of a large site are some hundred.
ROWS = 2_048
TEXT_BYTES = MOST_BYTES + 1
# The first rows are for those that find none: all pages, then one for each kind.
FIRST = ("", *(kind.value for kind in Kind))
# The row of all pages has no text; its first byte says how often the table began anew.
GENERATION = 1
# Combinations counted between two turns; a request costs one look into a dict. More of them are only shown earlier.
PENDING = 4_096
COUNTS_BYTES = ROWS * 8
TABLE_BYTES = COUNTS_BYTES + ROWS * TEXT_BYTES


def bytes_for(workers: int) -> int:
    """Return how many bytes the tables of ``workers`` take."""
    return workers * TABLE_BYTES


class WorkerTraits:
    """The table of one worker, numbered ``worker``; a worker that starts anew counts on."""

    def __init__(self, buffer: memoryview | bytearray, worker: int) -> None:
        self._counts, self._texts = _table(buffer, worker)
        self._rows = {text: row for row, text in enumerate(_used(self._texts))}
        self._pending: dict[tuple[str, ...], int] = {}
        if not self._rows:
            for text in FIRST:
                self._add(text)

    def count(self, traits: tuple[str, ...]) -> None:
        """Count one page that has ``traits``; the node can read it after the next ``turn``."""
        pending = self._pending
        pending[traits] = pending.get(traits, 0) + 1
        if len(pending) >= PENDING:
            self._show()

    def _show(self) -> None:
        """Bring what was counted since the last time into the table."""
        counts, rows = self._counts, self._rows
        for traits, pages in self._pending.items():
            counts[0] += pages
            for text in traits:
                row = rows.get(text)
                counts[self._add(text) if row is None else row] += pages
        self._pending.clear()

    def _add(self, text: str) -> int:
        row = len(self._rows)
        if row >= ROWS:
            return self._rows[kind_of(text)]
        told = text.encode("ascii", "replace")[:MOST_BYTES]
        # A length before the text: the row of all pages has none, and is a row all the same.
        self._texts[row * TEXT_BYTES + 1 : row * TEXT_BYTES + 1 + len(told)] = told
        self._texts[row * TEXT_BYTES] = len(told) + 1
        self._rows[text] = row
        return row

    def turn(self) -> None:
        """Show what was counted; a full table begins anew. Once a second is often enough.

        What was in a full table and not read within that second is lost.
        """
        if len(self._rows) >= ROWS:
            self._begin_anew()
        self._show()

    def _begin_anew(self) -> None:
        kept = len(FIRST)
        self._texts[GENERATION] = (self._texts[GENERATION] + 1) % 256
        self._texts[kept * TEXT_BYTES :] = bytes(len(self._texts) - kept * TEXT_BYTES)
        self._counts[kept:] = memoryview(bytes((ROWS - kept) * 8)).cast("d")
        self._rows = {text: row for row, text in enumerate(FIRST)}


class NodeTraits:
    """Reads what all workers counted since the last time."""

    def __init__(self, buffer: memoryview | bytearray) -> None:
        self._tables = [_table(buffer, worker) for worker in range(len(buffer) // TABLE_BYTES)]
        self._before: list[list[float]] = [list(map(float, counts)) for counts, _ in self._tables]
        self._generations = [texts[GENERATION] for _, texts in self._tables]

    def news(self) -> Mapping[str, int]:
        """Return how many pages had each trait since the last call; under '' all pages."""
        added: Counter[str] = Counter()
        for index, ((counts, texts), before) in enumerate(zip(self._tables, self._before, strict=True)):
            if self._generations[index] != texts[GENERATION]:
                # A table that began anew counts from nothing.
                self._generations[index] = texts[GENERATION]
                before[len(FIRST) :] = [0.0] * (ROWS - len(FIRST))
            now = counts.tolist()
            for row, (old, count) in enumerate(zip(before, now, strict=True)):
                if count > old:
                    added[_text(texts, row)] += int(count - old)
            before[:] = now
        return added


def _table(buffer: memoryview | bytearray, worker: int) -> tuple[memoryview[float], memoryview[int]]:
    if not 0 <= worker < len(buffer) // TABLE_BYTES:
        raise ValueError(f"worker {worker}: there are {len(buffer) // TABLE_BYTES} tables")
    whole = memoryview(buffer)[worker * TABLE_BYTES : (worker + 1) * TABLE_BYTES]
    return whole[:COUNTS_BYTES].cast("d"), whole[COUNTS_BYTES:]


def _text(texts: memoryview[int], row: int) -> str:
    start = row * TEXT_BYTES
    return bytes(texts[start + 1 : start + max(1, texts[start])]).decode("ascii", "replace")


def _used(texts: memoryview[int]) -> list[str]:
    """Return the texts of the rows in use, in their order."""
    found = []
    for row in range(ROWS):
        if not texts[row * TEXT_BYTES]:
            break
        found.append(_text(texts, row))
    return found
