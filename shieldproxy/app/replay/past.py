"""The past: requests of logs in the order of time."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from shieldproxy.journal.filters import Filter
from shieldproxy.journal.foreign import ForeignLog, Logged
from shieldproxy.journal.pieces import Piece, PieceLog
from shieldproxy.journal.reader import Reader

# A summed line of our journal stands for the requests of so many seconds after the first of them (journal.pressure).
SUMMED_OVER = 10.0


class Past:
    """The requests of ``logs``: journal directories, their segments, and logs of other servers; read again each time.

    ``broken`` and ``broken_lines`` tell of the lines that could not be read, after they were.
    """

    def __init__(self, logs: Sequence[Path]) -> None:
        self._logs = tuple(logs)
        self.broken = 0
        self.broken_lines: list[str] = []

    def size(self) -> int:
        """Return how many bytes there are to read, about."""
        files = [file for path in self._logs for file in (path.rglob("*.*") if path.is_dir() else (path,))]
        return sum(file.stat().st_size for file in files if file.is_file())

    def requests(self) -> Iterator[Logged]:
        """Yield the requests, oldest first, as far as each log is in order. Raises UnreadableLogError."""
        self.broken, self.broken_lines = 0, []
        streams = [self._read(path) for path in self._logs]
        yield from spread(streams[0] if len(streams) == 1 else heapq.merge(*streams, key=lambda one: one.time))

    def pieces(self) -> Iterator[Piece | Logged]:
        """Yield the same, in pieces where one log of lines allows it, which is quicker."""
        first = self._logs[0]
        log = PieceLog(first)
        if len(self._logs) > 1 or first.is_dir() or log.of_json():
            yield from self.requests()
            return
        yield from log.pieces()
        self.broken, self.broken_lines = log.broken, log.broken_lines

    def _read(self, path: Path) -> Iterator[Logged]:
        if path.is_dir():
            journal = Reader(path)
            yield from map(logged_of, journal.records(Filter()))
            self._note(journal)
        else:
            log = ForeignLog(path)
            yield from log.requests()
            self._note(log)

    def _note(self, log: Reader | ForeignLog) -> None:
        self.broken += log.broken
        self.broken_lines += log.broken_lines


def logged_of(record: dict[str, Any]) -> Logged:
    """Return a record of our journal as a request of a log."""
    return Logged(
        datetime.fromisoformat(record["ts"]).timestamp(),
        record["src_ip"],
        record["method"],
        record["path"],
        record["query"],
        record["status"],
        record["user_agent"],
        record["referer"],
        record["bytes_out"],
        record["host"],
        record["http"],
        record,
    )


def spread(requests: Iterator[Logged]) -> Iterator[Logged]:
    """Yield ``requests``, those that a summed record stands for over the seconds in which they came."""
    waiting: list[tuple[float, int, int, Logged]] = []
    count = 0
    for one in requests:
        while waiting and waiting[0][0] <= one.time:
            yield step(waiting)
        yield one
        weight = one.fields.get("weight", 1) if one.fields is not None else 1
        if isinstance(weight, int) and weight > 1:
            count += 1
            gap = SUMMED_OVER / weight
            heapq.heappush(waiting, (one.time + gap, count, weight - 1, one))
    while waiting:
        yield step(waiting)


def step(waiting: list[tuple[float, int, int, Logged]]) -> Logged:
    """Take the next request of a sum, and leave the rest of the sum waiting for its turn."""
    moment, number, left, one = waiting[0]
    if left > 1:
        assert one.fields is not None
        heapq.heapreplace(waiting, (moment + SUMMED_OVER / one.fields["weight"], number, left - 1, one))
    else:
        heapq.heappop(waiting)
    return one._replace(time=moment)
