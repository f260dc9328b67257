"""Importing: requests that other servers wrote down become records of the journal, labelled as imported.

They hold no verdict: their action is ``admit`` and their stage ``imported``, whatever status the other server gave.
Networks are what our databases say today, not what they said then; ``geo`` tells their dates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from shieldproxy.attribution.import_lines import STAGE, LineWriter, plain, stamp, when_of
from shieldproxy.intel.networks import Networks
from shieldproxy.journal.foreign import ForeignLog, texts_of
from shieldproxy.journal.log_files import blocks
from shieldproxy.journal.segment_writer import Rotation, SegmentWriter
from shieldproxy.journal.segments import LATER, days, segments_of, writer_name

__all__ = ["AlreadyImportedError", "Imported", "LogImport", "digest", "stamp"]

# As many lines are written together; more win nothing.
BATCH = 4_096
# By so many bytes at its beginning a log is known again.
KNOWN_BY = 1 << 16


class Imported(NamedTuple):
    """What came of one log. ``first`` and ``last`` are ts, '' and '' when it had no record."""

    node: str
    records: int
    broken: int
    no_address: int
    first: str
    last: str
    broken_lines: tuple[str, ...]


class AlreadyImportedError(Exception):
    """The journal holds this log; the message names it."""


class LogImport:
    """Brings logs into the journal in ``directory``; ``progress`` is told now and then how many records there are."""

    def __init__(self, directory: Path, networks: Networks, progress: Callable[[int], None] = lambda _: None) -> None:
        self._directory = directory
        self._networks = networks
        self._progress = progress

    def take(self, path: Path, name: str, *, again: bool = False) -> Imported:
        """Bring the log at ``path`` into the journal as of the node ``imported:<name>``.

        Raises AlreadyImportedError when it is there and not asked for ``again``, UnreadableLogError when it is no log,
        OSError when the journal cannot be written.
        """
        known = digest(path)
        if not again:
            refuse_known(self._directory, path, name, known)
        log = ForeignLog(path)
        intake = Intake(self._directory, name, known, self._networks)
        try:
            for block in blocks(path):
                intake.take(block, log)
                self._progress(intake.records)
        finally:
            intake.close()
        return intake.imported(log)


class Intake:
    """Writes what one process reads of a log into segments of its own; ``number`` tells these processes apart."""

    def __init__(self, directory: Path, name: str, known: str, networks: Networks, number: int = 0) -> None:
        """Open the segments; ``known`` is the log's digest. Raises OSError when the journal cannot be written."""
        self._node = f"{STAGE}:{name}"
        self._lines = LineWriter(self._node, networks, number)
        self._clock = 0.0
        self._segments = SegmentWriter(
            directory,
            writer_name(f"{STAGE}-{name}-{known}", number),
            wall=lambda: self._clock,
            monotonic=lambda: 0.0,
            rotation=Rotation(age=1.0),
        )
        self._segments.open()
        self._before = self._segments.next_seq
        self._no_address = 0
        self._day = ""
        self._first, self._last = LATER, ""

    @property
    def records(self) -> int:
        """How many records were written."""
        return self._segments.next_seq - self._before

    def take(self, block: bytes, log: ForeignLog) -> None:
        """Write the next ``block`` of whole lines; ``log`` counts them. Raises as LogImport.take does."""
        for stamps, lines in self._batches(block, log):
            first, last = min(stamps), max(stamps)
            self._first, self._last = min(self._first, first), max(self._last, last)
            self._clock = datetime.fromisoformat(stamps[0]).timestamp()
            self._segments.write_lines(lines, first, last)
            self._segments.seal_when_due()

    def close(self) -> None:
        """Seal the open segment; raises OSError when that fails."""
        self._segments.close()

    def imported(self, log: ForeignLog) -> Imported:
        """Return what came of it."""
        first = self._first if self.records else ""
        named = tuple(log.broken_lines)
        return Imported(self._node, self.records, log.broken, self._no_address, first, self._last, named)

    def _batches(self, block: bytes, log: ForeignLog) -> Iterator[tuple[Sequence[str], Sequence[bytes]]]:
        """Yield ts and lines in batches of one day each: segments are named, and found again, by the day they begin."""
        stamps: list[str] = []
        lines: list[bytes] = []
        all_plain = plain(block)
        for text in texts_of(block):
            is_plain = all_plain or plain(text.encode("utf-8", "replace"))
            ts, line = self._line(text, log, self._segments.next_seq + len(lines), plain=is_plain)
            if not line:
                continue
            other_day = ts[:10] != self._day
            if lines and (other_day or len(lines) == BATCH):
                yield stamps, lines
                stamps, lines = [], []
            if other_day:
                self._segments.close()
                self._day = ts[:10]
            stamps.append(ts)
            lines.append(line.encode())
        if lines:
            yield stamps, lines

    def _line(self, text: str, log: ForeignLog, number: int, *, plain: bool) -> tuple[str, str]:
        """Return ts and line of a line of the log, '' and '' where there is nothing to write."""
        found = self._lines.quick(text, number) if plain else None
        if found is not None:
            log.pass_over()
            self._no_address += not found[1]
            return found
        request = log.parse(text)
        if request is None:
            return "", ""
        who = self._lines.who(request.address)
        if not who.json:
            self._no_address += 1
            return "", ""
        try:
            when = when_of(request.time)
        except (ValueError, OverflowError) as error:
            log.complain(f"no moment: {error}")
            return "", ""
        return when.ts, self._lines.line(request, when, number, who, plain=plain)


def refuse_known(directory: Path, path: Path, name: str, known: str) -> None:
    """Raise AlreadyImportedError when the journal holds the log at ``path``, whose digest is ``known``."""
    written_by = writer_name(f"{STAGE}-{name}-{known}", 0).rpartition(".")[0]
    for day in days(directory):
        if any(segment.writer.rpartition(".")[0] == written_by for segment in segments_of(directory, day)):
            raise AlreadyImportedError(f"{path} is in the journal already, as {STAGE}:{name}")


def digest(path: Path) -> str:
    """Return by what a log is known again: its beginning and its size; raises OSError."""
    with path.open("rb") as file:
        beginning = file.read(KNOWN_BY)
    return hashlib.sha256(beginning + str(path.stat().st_size).encode()).hexdigest()[:12]
