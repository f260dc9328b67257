"""The reader: records of a span of time over all segments, in time order and in bounded memory."""

from __future__ import annotations

import heapq
import os
import re
from collections.abc import Collection, Generator, Iterator
from pathlib import Path
from typing import Any

import orjson

from shieldproxy.core.record import rfc3339
from shieldproxy.journal.filters import Filter, needle_of
from shieldproxy.journal.lines import TS_LENGTH, line_at, line_number, lines, ts_of
from shieldproxy.journal.packing import open_plain
from shieldproxy.journal.segments import LATER, Segment, newest_first, oldest_first, segments_of

Fields = dict[str, Any]
Stream = Generator[tuple[bytes, Fields], None, None]

# So many broken lines are named; all are counted.
NAMED = 20

# An ID begins with the second of its request in hexadecimal; its record follows when the request has ended.
_ID = re.compile(r"([0-9a-f]{8})\.[0-9a-z]+\.[0-9a-z]+", re.ASCII)
ID_AROUND = 2.0
ID_AFTER = 900.0

# Turns the order of bytes round, for a heap that gives the newest first.
_INVERTED = bytes(255 - byte for byte in range(256))


class Reader:
    """Reads the journal in ``directory``; a journal that does not exist is an empty one.

    ``without`` names segments (up to their ``.jsonl``) that are known to hold nothing of what will be asked for.
    ``broken`` counts the lines that are no records, ``broken_lines`` names the first of them (file:line: why).
    """

    def __init__(self, directory: Path, *, without: Collection[str] = ()) -> None:
        self.directory = directory
        self._without = without
        self.broken = 0
        self.broken_lines: list[str] = []

    def records(self, wanted: Filter, *, newest: bool = False) -> Iterator[Fields]:
        """Yield the records that are ``wanted`` by ts, oldest first or ``newest`` first."""
        walk = newest_first if newest else oldest_first
        upcoming = walk(self.directory, wanted.since, wanted.until, without=self._without)
        yield from _Merge(self, wanted, upcoming, newest=newest).records()

    def scan(self, wanted: Filter) -> Iterator[Fields]:
        """Yield the records that are ``wanted`` as they stand in the files, segment after segment: the quickest way."""
        for segment in oldest_first(self.directory, wanted.since, wanted.until, without=self._without):
            yield from self._scan_one(segment, wanted, wanted.needles)

    def scan_segment(self, segment: Segment, wanted: Filter) -> Iterator[Fields]:
        """Yield the records of one segment that are ``wanted``, as they stand there."""
        yield from self._scan_one(segment, wanted, wanted.needles)

    def find(self, request_id: str) -> Fields | None:
        """Return the record of ``request_id``, None when there is none.

        The ID says when the request began, so only the segments around that moment are read.
        """
        needle = (needle_of("id", request_id),)
        match = _ID.fullmatch(request_id)
        if match is None:
            spans = [("", "")]
        else:
            second = int(match[1], 16)
            early, late = rfc3339(second - ID_AROUND), rfc3339(second + ID_AROUND)
            spans = [(early, late), (late, rfc3339(second + ID_AFTER))]
        for since, until in spans:
            for segment in oldest_first(self.directory, since, until):
                for fields in self._scan_one(segment, Filter(), needle):
                    if fields.get("id") == request_id:
                        return fields
        return None

    def _scan_one(self, segment: Segment, wanted: Filter, needles: tuple[bytes, ...]) -> Iterator[Fields]:
        opened = open_segment_file(self.directory, segment)
        if opened is None:
            return
        file, segment = opened
        try:
            for offset, line in lines(file, 0, needles, unfinished=segment.sealed):
                if wanted.unwanted and wanted.unwanted in line:
                    continue
                fields = self.read(line, wanted, segment, file, offset)
                if fields is not None:
                    yield fields
        finally:
            os.close(file)

    def read(self, line: bytes, wanted: Filter, segment: Segment, file: int, offset: int) -> Fields | None:
        """Return the record of ``line`` when it is wanted; a broken line is counted and named."""
        try:
            fields = orjson.loads(line)
            if not isinstance(fields["ts"], str):
                raise TypeError("ts is no text")
            return fields if wanted.holds(fields) else None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self.broken += 1
            if len(self.broken_lines) < NAMED:
                why = "no JSON" if isinstance(error, orjson.JSONDecodeError) else f"no record ({error})"
                self.broken_lines.append(f"{segment.path}:{line_number(file, offset)}: {why}")
            return None


class _Merge:
    """One pass over many segments: a heap of streams, each opened when its first record may be the next."""

    def __init__(self, reader: Reader, wanted: Filter, upcoming: Iterator[Segment], *, newest: bool) -> None:
        self._reader = reader
        self._wanted = wanted
        self._upcoming = upcoming
        self._newest = newest
        self._heap: list[tuple[bytes, int, Fields, Stream]] = []
        self._count = 0

    def records(self) -> Iterator[Fields]:
        try:
            following = next(self._upcoming, None)
            while self._heap or following is not None:
                while following is not None and (not self._heap or self._start(following) <= self._heap[0][0]):
                    self._push(self._stream(following))
                    following = next(self._upcoming, None)
                if self._heap:
                    _, _, fields, stream = self._heap[0]
                    yield fields
                    self._advance(stream)
        finally:
            for _, _, _, stream in self._heap:
                stream.close()

    def _push(self, stream: Stream) -> None:
        head = next(stream, None)
        if head is not None:
            self._count += 1
            heapq.heappush(self._heap, (head[0], self._count, head[1], stream))

    def _advance(self, stream: Stream) -> None:
        head = next(stream, None)
        if head is None:
            heapq.heappop(self._heap)
        else:
            self._count += 1
            heapq.heapreplace(self._heap, (head[0], self._count, head[1], stream))

    def _start(self, segment: Segment) -> bytes:
        return self._key((segment.last if self._newest else segment.first).encode())

    def _key(self, ts: bytes) -> bytes:
        return ts.translate(_INVERTED) if self._newest else ts

    def _stream(self, segment: Segment) -> Stream:
        """Yield (key, record) of one segment in order: a pass that notes where each line is, then one that reads."""
        opened = open_segment_file(self._reader.directory, segment)
        if opened is None:
            return
        file, segment = opened
        try:
            entries = self._entries(file, segment)
            entries.sort(reverse=self._newest)
            for entry in entries:
                offset, length = int.from_bytes(entry[-12:-4]), int.from_bytes(entry[-4:])
                line = line_at(file, offset, length)
                fields = self._reader.read(line, self._wanted, segment, file, offset)
                if fields is not None:
                    yield self._key(entry[:-12]), fields
        finally:
            os.close(file)

    def _entries(self, file: int, segment: Segment) -> list[bytes]:
        """Return ts, offset (8 bytes) and length (4) of each line, in one piece: a third of what a tuple takes."""
        wanted = self._wanted
        floor, ceiling = wanted.since.encode(), (wanted.until or LATER).encode()
        first, unwanted = segment.first.encode().ljust(TS_LENGTH), wanted.unwanted
        found = []
        for offset, line in lines(file, 0, wanted.needles, unfinished=segment.sealed):
            if unwanted and unwanted in line:
                continue
            ts = ts_of(line)
            # Without a ts in its place the line is broken, or another program's: it is read, and judged then.
            if ts and not floor <= ts <= ceiling:
                continue
            found.append((ts or first) + offset.to_bytes(8) + len(line).to_bytes(4))
        return found


def open_segment_file(directory: Path, segment: Segment) -> tuple[int, Segment] | None:
    """Return an open file of ``segment`` and what it is called now; None when it was deleted."""
    for attempt in (segment, None):
        current = attempt or _renamed(directory, segment)
        if current is None:
            return None
        try:
            return open_plain(current.path), current
        except FileNotFoundError:
            continue
    return None


def _renamed(directory: Path, segment: Segment) -> Segment | None:
    day = segments_of(directory, segment.directory.name)
    same = (found for found in day if found.inode == segment.inode or found.base == segment.base)
    return next(same, None)
