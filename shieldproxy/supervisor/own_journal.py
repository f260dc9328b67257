"""The supervisor's own journal: for what no worker sees, opened with the first record."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from shieldproxy.core.ports import Tallies
from shieldproxy.core.record import Record
from shieldproxy.journal.writer import Journal


class OwnJournal:
    """Writes what it is given, by a writer of its own: most nodes never need one."""

    def __init__(self, journal: Journal, tallies: Tallies) -> None:
        self._journal = journal
        self._tallies = tallies
        self._open = False
        # The last words may come while the records before them wait for the journal to open.
        self._turn = asyncio.Lock()
        self._counted = (0, 0)

    @property
    def problem(self) -> str:
        """Why nothing can be written at the moment; '' while it can."""
        return self._journal.problem

    async def write(self, records: Sequence[Record]) -> None:
        """Take ``records``. Raises StartError when the directory cannot be written; they are lost and counted then."""
        async with self._turn:
            await self._write(records)

    async def _write(self, records: Sequence[Record]) -> None:
        if records and not self._open:
            try:
                await asyncio.to_thread(self._journal.open)
            except Exception:
                self._tallies.count("journal_lost", sum(record.weight for record in records))
                raise
            self._open = True
        for record in records:
            self._journal.put(record)
        self._count()

    async def close(self) -> None:
        """Write what waits and seal the segment."""
        if self._open:
            await asyncio.to_thread(self._journal.close)
            self._count()

    def _count(self) -> None:
        written, lost = self._counted
        self._counted = self._journal.written, self._journal.lost
        self._tallies.count("journal_records", self._counted[0] - written)
        self._tallies.count("journal_lost", self._counted[1] - lost)
