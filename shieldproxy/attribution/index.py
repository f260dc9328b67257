"""The index: sealed segments as Parquet, made by DuckDB beside the journal, at any time again.

Each ten minutes that are over become a file, each hour that is over takes the place of its parts, each day of its
hours.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from shieldproxy.attribution.building import build, files_of
from shieldproxy.attribution.catalogue import (
    FOLDER,
    Day,
    Entry,
    Gone,
    catalogued_days,
    files_by_day,
    overlapping,
    present,
    read_day,
    read_gone,
    write_day,
)
from shieldproxy.attribution.engine import LARGE, Bounds
from shieldproxy.core.record import rfc3339
from shieldproxy.journal.open_segment import DIRECTORY_MODE, FILE_MODE
from shieldproxy.journal.segments import STAMP_LENGTH, Segment, expanded, oldest_first

# A report that has begun reads what it found at its beginning: files that others took the place of stay so long.
LINGER = 900.0
# Writers seal each minute, a stuck disk or a large sum comes later: an hour is complete some minutes after its end.
GRACE = 300.0


# How much of a ts names a part: 2026-11-24, 2026-11-24T10, 2026-11-24T10:1.
DAY, HOUR, TEN_MINUTES = 10, 13, 15
# The files of each part, by the names of their segments.
Parts = dict[str, dict[str, str]]


class Progress(NamedTuple):
    """What one update did."""

    files: int = 0
    records: int = 0
    removed: int = 0
    busy: bool = False


class Content(NamedTuple):
    """What holds the records of a span: files of the index, and segments that are in none of them."""

    files: tuple[Path, ...]
    segments: tuple[Segment, ...]
    records: int


class Index:
    """The index of the journal in ``directory``. ``clock`` is unix seconds; files are built ``within`` bounds."""

    def __init__(self, directory: Path, clock: Callable[[], float], within: Bounds = LARGE) -> None:
        self.directory = directory
        self.folder = directory / FOLDER
        self._clock = clock
        self.within = within

    def content(self, since: str = "", until: str = "") -> Content:
        """Return what holds the records from ``since`` to ``until`` (ts, '': open end), each record once."""
        entries = self.entries()
        known = frozenset(name for entry in entries for name in entry.segments)
        fresh = tuple(oldest_first(self.directory, since, until, without=known))
        wanted = overlapping(entries, since, until)
        return Content(tuple(self.folder / entry.file for entry in wanted), fresh, sum(e.records for e in wanted))

    def entries(self, since: str = "", until: str = "") -> list[Entry]:
        """Return what the index holds of a span, as far as all its files are there."""
        found = [entry for day in catalogued_days(self.folder) for entry in read_day(self.folder, day).values()]
        return [entry for entry in overlapping(found, since, until) if self._whole(entry)]

    def update(self) -> Progress:
        """Bring the index up to date: what is complete and changed is built, what has no segments any more removed.

        Raises OSError when the disk fails. When another process is at it, nothing is done and ``busy`` says so.
        """
        self.folder.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        with self._locked() as locked:
            if not locked:
                return Progress(busy=True)
            self._sweep()
            done = Progress()
            for day, parts in self._wanted().items():
                done = self._update_day(day, parts, done)
            return done

    def _wanted(self) -> dict[str, Parts]:
        """Return the segments of each day that is over and of each other such hour; days of the index even if empty."""
        found: dict[str, Parts] = {day: {} for day in catalogued_days(self.folder)}
        known = {
            name: part for day in found for part, entry in read_day(self.folder, day).items() for name in entry.segments
        }
        complete = rfc3339(self._clock() - GRACE)
        for place, files in files_by_day(self.directory):
            for name, file in present(files).items():
                # The name says the first record; of a segment that is known its part says as much as is asked for.
                moment = known.get(name) or expanded(name[:STAMP_LENGTH])
                for length in (DAY, HOUR, TEN_MINUTES):
                    if moment[:length] < complete[:length]:
                        found.setdefault(moment[:DAY], {}).setdefault(moment[:length], {})[name] = f"{place}/{file}"
                        break
        return found

    def _update_day(self, day: str, parts: Parts, done: Progress) -> Progress:
        before = {part: entry for part, entry in read_day(self.folder, day).items() if self._whole(entry)}
        after: Day = {}
        for part, places in sorted(parts.items()):
            names = tuple(sorted(places))
            entry = before.get(part)
            if entry is None or entry.segments != names:
                ready = [old for old in before.values() if places.keys() >= set(old.segments)]
                entry = build(self.folder, part, places, ready, self.within)
                done = done._replace(files=done.files + 1, records=done.records + entry.records)
            after[part] = entry
        self._settle(day, before, after)
        return done._replace(removed=done.removed + (bool(before) and not after))

    def _settle(self, day: str, before: Day, after: Day) -> None:
        """Enter what there is now, and take away what nobody reads any more or what the journal has not kept."""
        now, known = self._clock(), read_gone(self.folder, day)
        kept = {name for entry in after.values() for name in entry.segments}
        gone = [one for one in known if 0 <= now - one.since < LINGER]
        gone += [
            Gone(entry.file, now)
            for part, entry in before.items()
            if after.get(part) != entry and set(entry.segments) <= kept
        ]
        if after != before or gone != known:
            write_day(self.folder, day, after, gone)
        listed = {path for entry in after.values() for path in files_of(self.folder, entry)}
        listed |= {path for one in gone for path in files_of(self.folder, Entry(one.file, 0, "", "", ()))}
        for place in set((self.folder / day).glob("*.parquet")) - listed:
            place.unlink(missing_ok=True)

    def _whole(self, entry: Entry) -> bool:
        return all(file.exists() for file in files_of(self.folder, entry))

    def _sweep(self) -> None:
        """Take away what an interrupted update left."""
        for left in self.folder.glob("*/*.new"):
            left.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[bool]:
        handle = os.open(self.folder / ".lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield True
        except BlockingIOError:
            yield False
        finally:
            os.close(handle)
