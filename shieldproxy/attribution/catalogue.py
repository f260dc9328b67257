"""The catalogue: which segments each file of the index holds, so that every record is read once and none is missed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import orjson

from shieldproxy.journal.segments import PSEUDONYMISED, SEALED, days

# A file of another version has other columns; it is built anew.
VERSION = 3
FOLDER = "index"
ENDINGS = (".jsonl", ".jsonl.zst")


class Entry(NamedTuple):
    """One file of the index: where it is (below the index), its records, the bounds of their ts, its segments."""

    file: str
    records: int
    first: str
    last: str
    segments: tuple[str, ...]


Day = dict[str, Entry]


def stem_of(name: str) -> str:
    """Return what a sealed segment is called in the index, of the name of its file.

    However it is stored later; with other contents (pseudonyms) it is another one.
    """
    return name.partition(".jsonl")[0]


class Gone(NamedTuple):
    """A file that another took the place of at ``since`` (unix seconds): whoever began to read may still want it."""

    file: str
    since: float


def read_day(folder: Path, day: str) -> Day:
    """Return what the index holds of ``day``, by hour; nothing when it is missing, broken or of another version."""
    return dict(_catalogue(folder, day)[0])


def read_gone(folder: Path, day: str) -> list[Gone]:
    """Return the files of ``day`` that others took the place of; none when the catalogue is not readable."""
    return list(_catalogue(folder, day)[1])


def _catalogue(folder: Path, day: str) -> tuple[Day, list[Gone]]:
    place = folder / f"{day}.json"
    try:
        about = place.stat()
        return _parsed(place, about.st_ino, about.st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}, []


@lru_cache(64)  # two months are asked for several times by one report, and a file never changes: another comes
def _parsed(place: Path, _inode: int, _changed: int) -> tuple[Day, list[Gone]]:
    document = orjson.loads(place.read_bytes())
    if document["version"] != VERSION:
        return {}, []
    entries = {
        hour: Entry(fields["file"], fields["records"], fields["first"], fields["last"], tuple(fields["segments"]))
        for hour, fields in document["hours"].items()
    }
    return entries, [Gone(str(file), float(since)) for file, since in document["gone"]]


def write_day(folder: Path, day: str, entries: Day, gone: Sequence[Gone] = ()) -> None:
    """Write what the index holds of ``day`` in one step; raises OSError."""
    place = folder / f"{day}.json"
    if not entries and not gone:
        place.unlink(missing_ok=True)
        return
    hours = {hour: entry._asdict() for hour, entry in entries.items()}
    document = {"version": VERSION, "hours": hours, "gone": [list(one) for one in gone]}
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


def files_by_day(journal: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each directory of the journal with the names in it, as they are."""
    for day in days(journal):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            yield f"{journal / day}", os.listdir(journal / day)  # noqa: PTH208 - a hundred thousand names


def present(files: Iterable[str]) -> dict[str, str]:
    """Return the sealed segments among the names of ``files``, each with one file that holds it.

    One that was just packed, or written anew with pseudonyms, has two.
    """
    found: dict[str, str] = {}
    for file in sorted(files):  # .jsonl comes before .jsonl.zst
        if file.endswith(ENDINGS) and SEALED.fullmatch(file) is not None:
            found[stem_of(file)] = file
    for name in [name for name in found if name.endswith(PSEUDONYMISED)]:
        found.pop(name.removesuffix(PSEUDONYMISED), None)
    return found


def overlapping(entries: Iterable[Entry], since: str, until: str) -> list[Entry]:
    """Return the entries that may hold a ts from ``since`` to ``until`` ('': open end)."""
    return [entry for entry in entries if entry.last >= since and (not until or entry.first <= until)]
