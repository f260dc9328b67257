"""Mending: what an earlier run left behind is made whole before the next one writes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
from pathlib import Path
from typing import NamedTuple

import orjson

from shieldproxy.core.errors import StartError
from shieldproxy.journal.lines import end_of_lines, lines, ts_of
from shieldproxy.journal.open_segment import DIRECTORY_MODE, seal_as
from shieldproxy.journal.packing import open_plain
from shieldproxy.journal.segments import LATER, Segment, days, expanded, segments_of, well_formed

# So many days of a journal are searched for left-overs at the start; readers take older ones as they are.
DAYS = 31

# The last line is looked for in so many bytes at the end; a record is shorter.
_TAIL = 1 << 20


class Mended(NamedTuple):
    """What was found: the number for the next record, segments sealed late, and half lines cut off (in bytes)."""

    next_seq: int
    sealed: int = 0
    cut_lines: int = 0
    cut_bytes: int = 0
    problems: tuple[str, ...] = ()


def probe(directory: Path) -> None:
    """Make ``directory`` and write to it; raises StartError with the place and the reason when that fails."""
    try:
        directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(b"shieldproxy can write here\n")
            file.flush()
    except OSError as error:
        reason = error.strerror or str(error)
        raise StartError(f"journal directory {directory}: cannot write there: {reason}") from error


def mend(directory: Path, writer: str) -> Mended:
    """Seal the left-overs of earlier runs of ``writer`` and return where its numbers go on.

    What a living process still holds is left alone. A half-written last line is cut off and counted. A file
    that cannot be mended is named among the problems. Raises OSError when the directory cannot be listed.
    """
    own: list[Segment] = []
    found = Mended(1)
    for day in days(directory)[-DAYS:]:
        own += [segment for segment in segments_of(directory, day) if segment.writer == writer]
    # Before any sealing, as that changes names.
    next_seq = 1 + max((_last_seq(segment) for segment in sorted(own, key=lambda s: s.seq)[-2:]), default=0)
    for segment in own:
        if segment.sealed:
            continue
        try:
            found = _mend_one(segment, found)
        except OSError as error:
            problem = f"{segment.path}: left as it is: {error.strerror or error}"
            found = found._replace(problems=(*found.problems, problem))
    return found._replace(next_seq=next_seq)


def _mend_one(segment: Segment, found: Mended) -> Mended:
    file = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return found
        size = os.fstat(file).st_size
        whole = end_of_lines(file, size)
        first, last = _span(file, segment)
        if whole == 0:
            segment.path.unlink()
        else:
            if whole < size:
                _replace_by_head(segment.path, file, whole)
            seal_as(segment.path, first, last, segment.writer, segment.seq)
    finally:
        os.close(file)
    cut = size - whole
    return found._replace(
        sealed=found.sealed + (whole > 0), cut_lines=found.cut_lines + (cut > 0), cut_bytes=found.cut_bytes + cut
    )


def _span(file: int, segment: Segment) -> tuple[str, str]:
    """Return the earliest and the latest ts of the whole lines; when none has one, the moment of opening twice."""
    first, last = LATER, ""
    for _, line in lines(file, unfinished=False):
        ts = ts_of(line).decode("ascii", "replace")
        if well_formed(ts):
            first, last = min(first, ts), max(last, ts)
    if last:
        return first, last
    opened = expanded(segment.name.partition("-")[0])
    return opened, opened


def _replace_by_head(path: Path, file: int, size: int) -> None:
    # A copy, as a reader may have the file open and must not see it shrink.
    handle, name = tempfile.mkstemp(prefix=".mending-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as copy:
            position = 0
            while position < size:
                piece = os.pread(file, min(1 << 20, size - position), position)
                copy.write(piece)
                position += len(piece)
            copy.flush()
            os.fchmod(copy.fileno(), stat.S_IMODE(os.fstat(file).st_mode))
            os.fsync(copy.fileno())
        Path(name).replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _last_seq(segment: Segment) -> int:
    """Return the number of the last whole line; what the name says stands for a file that cannot be read."""
    try:
        file = open_plain(segment.path)
        try:
            end = end_of_lines(file, os.fstat(file).st_size)
            # From the middle of a line: that first piece is no record and is passed over.
            found = [_seq(line) for _, line in lines(file, max(0, end - _TAIL), unfinished=False)]
        finally:
            os.close(file)
    except OSError:
        return segment.seq
    return max(found, default=segment.seq - 1)


def _seq(line: bytes) -> int:
    try:
        seq = orjson.loads(line)["seq"]
    except (ValueError, KeyError, TypeError):
        return 0
    return seq if isinstance(seq, int) else 0
