"""Retention: whole segments are deleted when their time is over; nothing in between is ever rewritten."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import NamedTuple

from shieldproxy.core.record import rfc3339
from shieldproxy.journal.segments import days, segments_of, shifted


class Forgotten(NamedTuple):
    """What was deleted: segments and bytes; ``problems`` names what could not be."""

    segments: int = 0
    size: int = 0
    problems: tuple[str, ...] = ()


def forget_before(directory: Path, ts: str) -> Forgotten:
    """Delete the segments whose last record is older than ``ts``, and days that are empty then.

    An open one counts by when it was last written: a worker that is gone for good leaves one. Safe beside readers
    and writers, which begin a new segment when theirs is gone. Raises OSError only when the directory cannot be listed.
    """
    found = Forgotten()
    for day in days(directory):
        # A day that began after ``ts`` holds younger segments only; one more, as a ts may be older than its day.
        if day > shifted(ts, 86_400)[:10]:
            break
        for segment in segments_of(directory, day):
            try:
                status = segment.path.stat()
                if (segment.last if segment.sealed else rfc3339(status.st_mtime)) >= ts:
                    continue
                segment.path.unlink()
            except FileNotFoundError:
                continue
            except OSError as error:
                found = found._replace(problems=(*found.problems, f"{segment.path}: {error.strerror or error}"))
                continue
            found = found._replace(segments=found.segments + 1, size=found.size + status.st_size)
        if day < ts[:10]:
            with contextlib.suppress(OSError):  # not empty yet, or a file of somebody else lies there
                (directory / day).rmdir()
    return found
