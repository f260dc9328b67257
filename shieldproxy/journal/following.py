"""Following: records as they are written, by looking at the newest days again and again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from shieldproxy.journal.filters import Filter
from shieldproxy.journal.lines import end_of_lines, lines
from shieldproxy.journal.reader import Fields, Reader, open_segment_file
from shieldproxy.journal.segments import Segment, days, segments_of

# Seconds between two looks that follow people's patience and cost a node nothing.
INTERVAL = 0.5

# Today and the day before: a segment opened before midnight is still written after it.
_DAYS = 2


class Follower:
    """Remembers how far each segment was read, from the moment it was made."""

    def __init__(self, directory: Path, wanted: Filter) -> None:
        self.reader = Reader(directory)
        self._directory = directory
        self._wanted = wanted
        self._read_to: dict[int, int] = {}
        self._done: set[int] = set()
        for segment in self._newest():
            if segment.sealed:
                self._done.add(segment.inode)
            else:
                self._read_to[segment.inode] = self._end_of(segment)

    def poll(self) -> list[Fields]:
        """Return what was written since the last look and is wanted, by ts."""
        found: list[Fields] = []
        newest = self._newest()
        for segment in newest:
            if segment.inode not in self._done:
                found += self._new_in(segment)
        # What was deleted or is older than yesterday is forgotten, also because its inode may come again.
        known = {segment.inode for segment in newest}
        self._done &= known
        self._read_to = {inode: end for inode, end in self._read_to.items() if inode in known - self._done}
        found.sort(key=lambda fields: str(fields["ts"]))
        return found

    def _newest(self) -> list[Segment]:
        # What is packed was closed long before, so it has been read as it was.
        newest = days(self._directory)[-_DAYS:]
        return [segment for day in newest for segment in segments_of(self._directory, day) if not segment.packed]

    def _end_of(self, segment: Segment) -> int:
        opened = open_segment_file(self._directory, segment)
        if opened is None:
            return 0
        try:
            return end_of_lines(opened[0], os.fstat(opened[0]).st_size)
        finally:
            os.close(opened[0])

    def _new_in(self, segment: Segment) -> Iterator[Fields]:
        opened = open_segment_file(self._directory, segment)
        if opened is None:
            return
        file, segment = opened
        try:
            start = self._read_to.get(segment.inode, 0)
            for offset, line in lines(file, start, unfinished=False):
                self._read_to[segment.inode] = offset + len(line) + 1
                fields = self.reader.read(line, self._wanted, segment, file, offset)
                if fields is not None:
                    yield fields
            if segment.sealed:
                self._done.add(segment.inode)
        finally:
            os.close(file)
