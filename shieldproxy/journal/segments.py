"""Segments: the files of the journal, their names, and which of them may hold a span of time.

``<directory>/<day>/<first>-<last>-<writer>-<seq>.jsonl`` is a sealed segment: the earliest and the latest ``ts`` in
it, who wrote it (node and worker, so that many write side by side) and the number of its first record. While it is
written it is called ``<day>/<opened>-<writer>-<seq>.jsonl.open``. ``day`` is the UTC day on which it was opened.
Times in names are those of records without dashes and colons, so names sort by time and any file system takes them.
What is kept of a sealed segment later has endings of its own: ``.jsonl.zst`` is packed (journal.packing),
``.pseudo.jsonl`` has pseudonyms (journal.pseudonymising).
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_STAMP = r"\d{8}T\d{6}\.\d{6}Z"
_NAME = re.compile(rf"({_STAMP})-(?:({_STAMP})-)?([\w.-]+)-(\d{{12,}})(?:\.pseudo)?\.jsonl(\.open|\.zst)?", re.ASCII)
# A sealed one has two stamps, of the first and of the last ts in it.
STAMP_LENGTH = 23
SEALED = re.compile(rf"({_STAMP})-({_STAMP})-[\w.-]+-\d{{12,}}(?:\.pseudo)?\.jsonl(?:\.zst)?", re.ASCII)
_TS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)

OPEN, PACKED, PSEUDONYMISED = ".open", ".zst", ".pseudo"
# Logs of other servers that were brought in have writers of this kind; every node seals them.
IMPORTED = "import"

# Sorts after every ts: an open segment may still grow.
LATER = "~"


class Segment(NamedTuple):
    """One file of the journal. ``first`` and ``last`` bound the ``ts`` inside; of an open one they are not known.

    ``inode`` is the file's identity as long as it is not packed: sealing changes its name only.
    """

    directory: Path
    name: str
    inode: int
    first: str
    last: str
    writer: str
    seq: int
    sealed: bool

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self.directory / self.name

    @property
    def base(self) -> str:
        """What names a sealed segment for good, however it is kept."""
        return self.name.partition(".jsonl")[0].removesuffix(PSEUDONYMISED)

    @property
    def pseudonymised(self) -> bool:
        """Whether addresses in admitted lines were replaced."""
        return self.name.partition(".jsonl")[0].endswith(PSEUDONYMISED)

    @property
    def packed(self) -> bool:
        """Whether the file is compressed."""
        return self.name.endswith(PACKED)


def well_formed(ts: str) -> bool:
    """Tell whether ``ts`` is written as records write it, so that it sorts as text."""
    return _TS.fullmatch(ts) is not None


def compact(ts: str) -> str:
    """Return ``ts`` as it stands in names; raises ValueError when it is not written as records write it."""
    if not well_formed(ts):
        raise ValueError(f"{ts!r} is not like 2026-11-24T10:15:00.000000Z")
    return ts.replace("-", "").replace(":", "")


def expanded(stamp: str) -> str:
    """Return the ``ts`` of a stamp in a name."""
    return f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:11]}:{stamp[11:13]}:{stamp[13:]}"


def shifted(ts: str, seconds: float) -> str:
    """Return ``ts`` moved by ``seconds``, in the same form; at the ends of the calendar it stays."""
    try:
        moved = datetime.fromisoformat(ts) + timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        return ts
    return moved.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def open_name(opened: str, writer: str, seq: int) -> str:
    """Return the name of a segment that is opened at the ts ``opened``."""
    return f"{compact(opened)}-{writer}-{seq:012d}.jsonl.open"


def sealed_name(first: str, last: str, writer: str, seq: int) -> str:
    """Return the name of a sealed segment whose records lie between ``first`` and ``last``."""
    return f"{compact(first)}-{compact(last)}-{writer}-{seq:012d}.jsonl"


def writer_name(node: str, worker: int) -> str:
    """Return who writes, as names say it: ``node.worker`` in characters that every file system takes."""
    return f"{re.sub(r'[^A-Za-z0-9_-]', '_', node)[:64] or 'node'}.{worker}"


def named(directory: Path, name: str, inode: int) -> Segment | None:
    """Return the segment of a file, None when its name is no segment's."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    first, last, writer, seq, ending = match.groups()
    if ending == OPEN:
        return Segment(directory, name, inode, "", LATER, writer, int(seq), sealed=False)
    if last is None:
        return None
    return Segment(directory, name, inode, expanded(first), expanded(last), writer, int(seq), sealed=True)


def days(directory: Path) -> list[str]:
    """Return the days that have a directory, oldest first; none when the journal does not exist."""
    try:
        with os.scandir(directory) as entries:
            return sorted(entry.name for entry in entries if _DAY.fullmatch(entry.name))
    except (FileNotFoundError, NotADirectoryError):
        return []


def segments_of(directory: Path, day: str, *, without: Collection[str] = ()) -> list[Segment]:
    """Return the segments that were opened on ``day``, each once, also while one is being sealed or packed.

    Names that ``without`` has, up to their ``.jsonl``, are passed over unread: a month has a hundred thousand.
    """
    found: dict[str, Segment] = {}
    for segment in sorted(files_of(directory, day, without=without), key=lambda one: (one.pseudonymised, one.packed)):
        found[segment.base] = segment
    return list(found.values())


def files_of(directory: Path, day: str, *, without: Collection[str] = ()) -> list[Segment]:
    """Return every file of a segment of ``day``; one that was just packed has two."""
    found: dict[int, Segment] = {}
    place = directory / day
    try:
        # Most days of a month hold nothing else, and a plain list of names is read in a third of the time.
        if without and all(name.partition(".jsonl")[0] in without for name in os.listdir(place)):  # noqa: PTH208
            return []
        with os.scandir(place) as entries:
            for entry in entries:
                if without and entry.name.partition(".jsonl")[0] in without:
                    continue
                segment = named(place, entry.name, entry.inode())
                if segment is not None and (segment.sealed or segment.inode not in found):
                    found[segment.inode] = segment
    except (FileNotFoundError, NotADirectoryError):
        return []
    return list(found.values())


def oldest_first(directory: Path, since: str, until: str, *, without: Collection[str] = ()) -> Iterator[Segment]:
    """Yield the segments that may hold a ``ts`` from ``since`` to ``until`` ('': open end), by ``first``.

    Days are listed one ahead, as a segment of today may begin with a record of yesterday (sums wait for some
    seconds, a stuck disk for longer). What was written more than a day after its ts is not found by it.
    """
    carried: list[Segment] = []
    for day in _days_within(directory, since, until):
        carried += [
            segment for segment in segments_of(directory, day, without=without) if _overlaps(segment, since, until)
        ]
        carried.sort(key=lambda segment: segment.first)
        ready = sum(segment.first < day for segment in carried)
        yield from carried[:ready]
        carried = carried[ready:]
    yield from carried


def newest_first(directory: Path, since: str, until: str, *, without: Collection[str] = ()) -> Iterator[Segment]:
    """Yield the same segments the other way round, by ``last``."""
    carried: list[Segment] = []
    for day in reversed(_days_within(directory, since, until)):
        carried += [
            segment for segment in segments_of(directory, day, without=without) if _overlaps(segment, since, until)
        ]
        carried.sort(key=lambda segment: segment.last, reverse=True)
        # A segment opened on an earlier day may still reach into this one, so this day's wait for that listing.
        ready = sum(segment.last >= _day_after(day) for segment in carried)
        yield from carried[:ready]
        carried = carried[ready:]
    yield from carried


def _days_within(directory: Path, since: str, until: str) -> list[str]:
    # One day before: a segment opened before midnight. One day after: what waited to be written.
    first = shifted(since, -86_400)[:10] if since else ""
    last = shifted(until, 86_400)[:10] if until else LATER
    return [day for day in days(directory) if first <= day <= last]


def _day_after(day: str) -> str:
    return shifted(f"{day}T00:00:00.000000Z", 86_400)[:10]


def _overlaps(segment: Segment, since: str, until: str) -> bool:
    return segment.last >= since and (not until or segment.first <= until)
