"""The index: sealed segments as Parquet, made by DuckDB beside the journal, at any time again.

Each hour that is over becomes a file, and each day that is over takes the place of its hours.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from shieldproxy.attribution.catalogue import (
    FOLDER,
    Day,
    Entry,
    catalogued_days,
    hour_of,
    overlapping,
    read_day,
    sealed_segments,
    stem,
    write_day,
)
from shieldproxy.attribution.columns import COLUMNS, LINE_FIELDS, NAMES, from_lines, quoted
from shieldproxy.attribution.network_names import take_names
from shieldproxy.core.record import rfc3339
from shieldproxy.journal.open_segment import DIRECTORY_MODE, FILE_MODE
from shieldproxy.journal.segments import Segment, oldest_first

if TYPE_CHECKING:
    import duckdb

# Writers seal each minute, a stuck disk or a large sum comes later: an hour is complete some minutes after its end.
GRACE = 300.0
# What DuckDB may hold of one hour while it sorts; more goes to the disk.
MEMORY = "768MB"
THREADS = 2


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


def available() -> bool:
    """Tell whether the engine of the index (the extra ``analysis``) is installed."""
    return importlib.util.find_spec("duckdb") is not None


def connect(scratch: Path | None = None) -> duckdb.DuckDBPyConnection:
    """Return a connection of DuckDB in memory that puts what does not fit into ``scratch``."""
    import duckdb  # noqa: PLC0415 - the extra may be missing, and a server never needs it

    connection = duckdb.connect(":memory:")
    connection.execute(f"SET threads = {THREADS}")
    connection.execute(f"SET memory_limit = '{MEMORY}'")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("SET enable_progress_bar = false")
    if scratch is not None:
        connection.execute("SET temp_directory = ?", [str(scratch)])
    return connection


def lines_of(segments: list[str]) -> tuple[str, list[object]]:
    """Return the table function that reads these files line by line, and its parameters."""
    source = "read_json(?, format = 'newline_delimited', columns = ?, ignore_errors = true)"
    return source, [segments, LINE_FIELDS]


class Index:
    """The index of the journal in ``directory``. ``clock`` is unix seconds."""

    def __init__(self, directory: Path, clock: Callable[[], float]) -> None:
        self.directory = directory
        self.folder = directory / FOLDER
        self._clock = clock

    def content(self, since: str = "", until: str = "") -> Content:
        """Return what holds the records from ``since`` to ``until`` (ts, '': open end), each record once."""
        entries = [entry for day in catalogued_days(self.folder) for entry in read_day(self.folder, day).values()]
        entries = [entry for entry in entries if (self.folder / entry.file).exists()]
        known = {name for entry in entries for name in entry.segments}
        segments = oldest_first(self.directory, since, until)
        fresh = tuple(segment for segment in segments if not segment.sealed or stem(segment) not in known)
        wanted = overlapping(entries, since, until)
        return Content(tuple(self.folder / entry.file for entry in wanted), fresh, sum(e.records for e in wanted))

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

    def _wanted(self) -> dict[str, dict[str, list[Segment]]]:
        """Return the segments of each day that is over and of each other such hour; days of the index even if empty."""
        found: dict[str, dict[str, list[Segment]]] = {day: {} for day in catalogued_days(self.folder)}
        complete = rfc3339(self._clock() - GRACE)
        for segment in sealed_segments(self.directory):
            hour = hour_of(segment)
            if hour[:10] < complete[:10]:
                found.setdefault(hour[:10], {}).setdefault(hour[:10], []).append(segment)
            elif hour < complete[:13]:
                found.setdefault(hour[:10], {}).setdefault(hour, []).append(segment)
        return found

    def _update_day(self, day: str, parts: dict[str, list[Segment]], done: Progress) -> Progress:
        before = read_day(self.folder, day)
        before = {part: entry for part, entry in before.items() if (self.folder / entry.file).exists()}
        after: Day = {}
        for part, segments in sorted(parts.items()):
            names = tuple(sorted(stem(segment) for segment in segments))
            entry = before.get(part)
            if entry is None or entry.segments != names:
                entry = self._build(part, segments, [old for old in before.values() if set(old.segments) <= set(names)])
                done = done._replace(files=done.files + 1, records=done.records + entry.records)
            after[part] = entry
        write_day(self.folder, day, after)
        gone = {entry.file for entry in before.values()} - {entry.file for entry in after.values()}
        for file in gone:
            (self.folder / file).unlink(missing_ok=True)
        return done._replace(removed=done.removed + (bool(before) and not after))

    def _build(self, part: str, segments: list[Segment], ready: list[Entry]) -> Entry:
        """Make the file of one day or hour from what is ready of it and the segments that are in nothing yet."""
        names = tuple(sorted(stem(segment) for segment in segments))
        digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
        place = self.folder / part[:10] / f"{part[11:] or 'day'}-{digest}.parquet"
        place.parent.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
        fresh = place.with_suffix(".new")
        done = {name for entry in ready for name in entry.segments}
        lines = [str(segment.path) for segment in segments if stem(segment) not in done]
        with connect(self.folder / "scratch") as connection:
            kinds = ", ".join(f"{column.name} {column.kind}" for column in COLUMNS)
            connection.execute(f"CREATE TABLE lines ({kinds})")
            if lines:
                source, parameters = lines_of(lines)
                connection.execute(f"INSERT INTO lines {from_lines(source)}", parameters)
            take_names(connection, self.folder)
            kept = ", ".join(name for name in NAMES if name != "as_name")
            sources = [f"SELECT {kept} FROM lines"]
            sources += [f"SELECT {kept} FROM read_parquet({quoted(self.folder / entry.file)})" for entry in ready]
            (records,) = connection.execute(
                f"COPY ({' UNION ALL '.join(sources)} ORDER BY ts) TO {quoted(fresh)} "
                "(FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2)"
            ).fetchone() or (0,)
        fresh.chmod(FILE_MODE)
        fresh.replace(place)
        first, last = min(segment.first for segment in segments), max(segment.last for segment in segments)
        return Entry(place.relative_to(self.folder).as_posix(), int(records), first, last, names)

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
