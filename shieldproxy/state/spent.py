"""Spent puzzles: each answered puzzle counts once on the whole node, in one step that the kernel makes atomic."""

from __future__ import annotations

import fcntl
import os
from threading import Lock

from shieldproxy.state.names import Names
from shieldproxy.state.slots import WAYS, SlotTable

# A wall clock that is set forward lets slots end, and set back it makes their puzzles valid again. Keeping them this
# much longer covers every correction smaller than it, in seconds.
GRACE = 60.0


class SpentTable:
    """The port ``SpentPuzzles`` over a slot table that all workers share and that holds nothing else.

    Moments here are unix seconds, the clock by which puzzles expire: a puzzle can be answered exactly as long as its
    slot lives, with no conversion between clocks in which a moment could be lost. ``lock_file`` is a descriptor of a
    file that all workers have open (the node's memory itself); byte ``lock_start`` and as many bytes after it as
    the table has sets stand for its sets.

    The lock is a POSIX record lock (fcntl): it belongs to a process, so it holds between workers that inherited one
    descriptor, and the kernel lifts it when its holder dies. Such locks do not tell threads apart; the mutex does.
    """

    def __init__(self, table: SlotTable, secret: bytes, *, lock_file: int, lock_start: int = 0) -> None:
        self._table = table
        self._names = Names(secret, "spent")
        self._lock_file = lock_file
        self._lock_start = lock_start
        self._sets = table.capacity // WAYS
        self._threads = Lock()

    def spend_once(self, nonce: str, expires: float, now: float) -> bool:
        """Mark ``nonce`` as spent, in one atomic step over all workers; False when it was spent before.

        ``expires`` and ``now`` are unix seconds. Also False when the puzzle has expired, and, counted in
        ``refusals``, when its set is full: a spent puzzle is never forgotten to make room, or it could be spent twice.
        The lock is held for microseconds and only against answers in the same set.
        """
        if expires <= now:
            return False
        name = self._names.name(nonce)
        byte = self._lock_start + name // WAYS % self._sets
        with self._threads:
            fcntl.lockf(self._lock_file, fcntl.LOCK_EX, 1, byte, os.SEEK_SET)
            try:
                if self._table.get(name) > now:
                    return False
                return self._table.put_if_room(name, expires + GRACE, now)
            finally:
                fcntl.lockf(self._lock_file, fcntl.LOCK_UN, 1, byte, os.SEEK_SET)

    @property
    def refusals(self) -> int:
        """Answers refused for want of room since the node started, by all workers."""
        return self._table.refusals
