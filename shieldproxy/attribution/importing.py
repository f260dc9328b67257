"""Importing: requests that other servers wrote down become records of the journal, labelled as imported.

They hold no verdict: their action is ``admit`` and their stage ``imported``, whatever status the other server gave.
Networks are what our databases say today, not what they said then; ``geo`` tells their dates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from shieldproxy.attribution.import_lines import STAGE, Batch, LineWriter
from shieldproxy.attribution.import_moments import stamp
from shieldproxy.intel.networks import Networks
from shieldproxy.journal.foreign import ForeignLog
from shieldproxy.journal.log_files import blocks, text_of
from shieldproxy.journal.segment_writer import Rotation, SegmentWriter
from shieldproxy.journal.segments import LATER, days, segments_of, writer_name

__all__ = ["AlreadyImportedError", "Imported", "LogImport", "digest", "stamp"]

# As many lines are written together; more win nothing.
BATCH = 1_024
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
        self._batch = Batch()
        self._no_address = 0
        self._day = ""
        self._first, self._last = LATER, ""

    @property
    def records(self) -> int:
        """How many records were written."""
        return self._segments.next_seq - self._before

    def take(self, block: bytes, log: ForeignLog) -> None:
        """Write the next ``block`` of whole lines; ``log`` counts them. Raises as LogImport.take does."""
        raw = block.split(b"\n")
        texts = [] if block.startswith(b"{") else block.decode("latin-1").split("\n")
        at = 0
        while at < len(raw):
            many, number = slice(at, at + BATCH), self._next_number
            if texts:
                done = self._lines.usual(texts[many], number, self._batch)
            else:
                done = self._lines.objects(raw[many], number, self._batch)
            log.pass_over(done)
            at += done
            if done < BATCH and at < len(raw):
                self._take_other(text_of(raw[at]), log)
                at += 1
            if len(self._batch.lines) >= BATCH:
                self._write()
        self._write()

    def close(self) -> None:
        """Seal the open segment; raises OSError when that fails."""
        self._segments.close()

    def imported(self, log: ForeignLog) -> Imported:
        """Return what came of it."""
        first = self._first if self.records else ""
        named = tuple(log.broken_lines)
        return Imported(self._node, self.records, log.broken, self._no_address, first, self._last, named)

    @property
    def _next_number(self) -> int:
        return self._segments.next_seq + len(self._batch.lines)

    def _take_other(self, text: str, log: ForeignLog) -> None:
        """Add a line of any form that says something."""
        request = log.parse(text)
        if request is None:
            return
        try:
            ts, line = self._lines.line(request, self._next_number)
        except (ValueError, OverflowError) as error:
            log.complain(f"no moment: {error}")
            return
        if not line:
            self._no_address += 1
            return
        self._batch.stamps.append(ts)
        self._batch.lines.append(line)

    def _write(self) -> None:
        """Write what waits, the lines of one day at a time: segments are named, and found again, by the day they begin.

        Raises OSError.
        """
        batch, self._batch = self._batch, Batch()
        self._no_address += batch.no_address
        at = 0
        for day, found in groupby(batch.stamps, key=lambda ts: ts[:10]):
            stamps = list(found)
            lines = batch.lines[at : at + len(stamps)]
            at += len(stamps)
            if day != self._day:
                self._segments.close()
                self._day = day
            first, last = min(stamps), max(stamps)
            self._first, self._last = min(self._first, first), max(self._last, last)
            self._clock = datetime.fromisoformat(stamps[0]).timestamp()
            self._segments.write_lines("\n".join(lines).encode() + b"\n", len(lines), first, last)
            self._segments.seal_when_due()


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
