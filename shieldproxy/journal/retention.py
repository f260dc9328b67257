"""Retention: whole segments are deleted when their time is over; nothing in between is ever rewritten."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from shieldproxy.core.record import rfc3339
from shieldproxy.journal.holds import Hold, is_held
from shieldproxy.journal.packing import forms_of
from shieldproxy.journal.segments import IMPORTED, Segment, days, segments_of, shifted


class Forgotten(NamedTuple):
    """What was deleted: segments and bytes; ``held`` stay by order; ``problems`` names what could not be deleted."""

    segments: int = 0
    size: int = 0
    held: int = 0
    problems: tuple[str, ...] = ()


def forget_before(
    directory: Path,
    ts: str,
    *,
    holds: Sequence[Hold] = (),
    before: Callable[[Sequence[Segment]], None] | None = None,
) -> Forgotten:
    """Delete the segments whose last record is older than ``ts``, and days that are empty then.

    An open one counts by when it was last written: a worker that is gone for good leaves one. So does the log of
    another server that was brought in: one of last year is kept as long as one of today. What ``holds`` speak of
    stays. ``before`` is told of each day's segments before they go; when it raises OSError, they stay. Safe beside
    readers and writers, which begin a new segment when theirs is gone. Raises OSError when the directory cannot be
    listed.
    """
    found = Forgotten()
    for day in days(directory):
        # A day that began after ``ts`` holds younger segments only; one more, as a ts may be older than its day.
        if day > shifted(ts, 86_400)[:10]:
            break
        old = [segment for segment in segments_of(directory, day) if _is_old(segment, ts)]
        gone = [segment for segment in old if not is_held(segment, holds)]
        found = found._replace(held=found.held + len(old) - len(gone))
        if before is not None and gone:
            before(gone)
        for segment in gone:
            found = _delete(segment, found)
        if day < ts[:10]:
            with contextlib.suppress(OSError):  # not empty yet, or a file of somebody else lies there
                (directory / day).rmdir()
    return found


def _is_old(segment: Segment, ts: str) -> bool:
    try:
        if segment.sealed and not segment.writer.startswith(IMPORTED):
            return segment.last < ts
        return rfc3339(segment.path.stat().st_mtime) < ts
    except OSError:  # gone, or renamed by its writer just now: the next time will do
        return False


def _delete(segment: Segment, found: Forgotten) -> Forgotten:
    try:
        size = segment.path.stat().st_size
        segment.path.unlink()
        if segment.sealed:  # a file of before may still be there
            for form in forms_of(segment.path.with_name(f"{segment.base}.jsonl")):
                form.unlink(missing_ok=True)
    except FileNotFoundError:
        return found
    except OSError as error:
        return found._replace(problems=(*found.problems, f"{segment.path}: {error.strerror or error}"))
    return found._replace(segments=found.segments + 1, size=found.size + size)
