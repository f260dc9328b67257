"""The catalogue: which segments each file of the index holds, so that every record is read once and none is missed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from shieldproxy.journal.segments import Segment, days, segments_of

# A file of another version has other columns; it is built anew.
VERSION = 1
FOLDER = "index"


class Entry(NamedTuple):
    """One file of the index: where it is (below the index), its records, the bounds of their ts, its segments."""

    file: str
    records: int
    first: str
    last: str
    segments: tuple[str, ...]


Day = dict[str, Entry]


def stem(segment: Segment) -> str:
    """Return what names a sealed segment for good, however it is stored later."""
    return segment.name.partition(".jsonl")[0]


def hour_of(segment: Segment) -> str:
    """Return the hour in whose file a sealed segment belongs: that of its first record, ``2026-11-24T23``."""
    return segment.first[:13]


def read_day(folder: Path, day: str) -> Day:
    """Return what the index holds of ``day``, by hour; nothing when it is missing, broken or of another version."""
    try:
        document = orjson.loads((folder / f"{day}.json").read_bytes())
        if document["version"] != VERSION:
            return {}
        return {
            hour: Entry(fields["file"], fields["records"], fields["first"], fields["last"], tuple(fields["segments"]))
            for hour, fields in document["hours"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def write_day(folder: Path, day: str, entries: Day) -> None:
    """Write what the index holds of ``day`` in one step; raises OSError."""
    place = folder / f"{day}.json"
    if not entries:
        place.unlink(missing_ok=True)
        return
    document: dict[str, Any] = {"version": VERSION, "hours": {hour: entry._asdict() for hour, entry in entries.items()}}
    fresh = place.with_suffix(".new")
    fresh.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    fresh.replace(place)


def forget_day(folder: Path, day: str) -> None:
    """Delete what the index holds of ``day``; it is made anew from the segments. Raises OSError."""
    (folder / f"{day}.json").unlink(missing_ok=True)
    for file in (folder / day).glob("*.parquet"):
        file.unlink(missing_ok=True)


def catalogued_days(folder: Path) -> list[str]:
    """Return the days of which the index holds something."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as found:
        return sorted(entry.name[:10] for entry in found if entry.name.endswith(".json"))
    return []


def sealed_segments(journal: Path) -> list[Segment]:
    """Return all sealed segments of the journal."""
    return [segment for day in days(journal) for segment in segments_of(journal, day) if segment.sealed]


def overlapping(entries: Iterable[Entry], since: str, until: str) -> list[Entry]:
    """Return the entries that may hold a ts from ``since`` to ``until`` ('': open end)."""
    return [entry for entry in entries if entry.last >= since and (not until or entry.first <= until)]
