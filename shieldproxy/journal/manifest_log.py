"""The log of a node: one line for each sealed segment, erasure and hold, and a signed checkpoint over all of them.

``<journal>/log/<node>/<day>.jsonl`` holds the entries, canonical JSON, in the order in which they were made; one
after the other they are the leaves (each with its newline) of a Merkle tree. ``checkpoint`` is the newest signed note,
``checkpoints.jsonl`` all of them, ``public.pem`` the key. Entries are some 700 bytes and are never deleted.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from shieldproxy.journal.lines import end_of_lines
from shieldproxy.journal.open_segment import DIRECTORY_MODE, FILE_MODE, sync_directory

LOGS = "log"
CHECKPOINT, HISTORY, PUBLIC = "checkpoint", "checkpoints.jsonl", "public.pem"
_DAY_FILE = re.compile(r"\d{4}-\d\d-\d\d\.jsonl", re.ASCII)


class Line(NamedTuple):
    """One entry as it stands on the disk: where (file:line, for people), its bytes with the newline, its number."""

    place: str
    data: bytes
    number: int

    def entry(self) -> dict[str, Any]:
        """Return what it says; raises ValueError when it is no entry."""
        try:
            fields = orjson.loads(self.data)
        except ValueError:
            raise ValueError("no JSON") from None
        if not isinstance(fields, dict) or not isinstance(fields.get("kind"), str):
            raise ValueError("no entry of a log")
        return fields


def canonical(entry: dict[str, Any]) -> bytes:
    """Return ``entry`` as the one line that is hashed: keys sorted, no spaces, UTF-8, a newline.

    Numbers in it are integers, as they are written alike everywhere.
    """
    return orjson.dumps(entry, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def logs_in(journal: Path) -> list[Path]:
    """Return the directories of all logs of a journal, by name."""
    try:
        return sorted(path for path in (journal / LOGS).iterdir() if path.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def day_files(log: Path) -> list[Path]:
    """Return the files with the entries of ``log``, in order."""
    try:
        return sorted(path for path in log.iterdir() if _DAY_FILE.fullmatch(path.name))
    except (FileNotFoundError, NotADirectoryError):
        return []


def read_lines(log: Path) -> Iterator[Line]:
    """Yield the entries of ``log`` in order; a last line without newline comes as it is. Raises OSError."""
    index = 0
    for path in day_files(log):
        with path.open("rb") as file:
            for number, data in enumerate(file, 1):
                yield Line(f"{path}:{number}", data, index)
                index += 1


def append(log: Path, day: str, data: bytes) -> None:
    """Add whole lines under ``day``, or the last day there is when the clock went back; raises OSError.

    Nothing of it stays when it cannot be written in full.
    """
    files = day_files(log)
    name = max(f"{day}.jsonl", files[-1].name if files else "")
    file = os.open(log / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    try:
        size = os.fstat(file).st_size
        try:
            if os.write(file, data) != len(data):
                raise OSError(28, "No space left on device", str(log / name))
            os.fsync(file)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(file, size)
            raise
    finally:
        os.close(file)
    if size == 0:
        sync_directory(log)


def cut_unfinished(path: Path) -> int:
    """Cut off a last line of ``path`` that a crash left half written and return its bytes; raises OSError."""
    try:
        with path.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            whole = end_of_lines(file.fileno(), size)
            if whole < size:
                file.truncate(whole)
                file.flush()
                os.fsync(file.fileno())
    except FileNotFoundError:
        return 0
    return size - whole


def keep_checkpoint(log: Path, note: str, ts: str) -> None:
    """Make ``note`` the checkpoint of ``log`` and add it to the history; raises OSError."""
    entry = orjson.dumps({"note": note, "ts": ts}, option=orjson.OPT_APPEND_NEWLINE)
    file = os.open(log / HISTORY, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    try:
        os.write(file, entry)
    finally:
        os.close(file)
    replace_file(log / CHECKPOINT, note.encode())


def replace_file(path: Path, data: bytes) -> None:
    """Replace ``path`` in one step; raises OSError."""
    path.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
    try:
        os.write(file, data)
        os.fsync(file)
    finally:
        os.close(file)
    fresh.replace(path)
    sync_directory(path.parent)


def history(log: Path) -> list[bytes]:
    """Return all notes that were ever signed, oldest first; a last one half written is left out.

    Raises ValueError, naming the line, when one of the others cannot be read.
    """
    try:
        whole = (log / HISTORY).read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    found = []
    for number, line in enumerate(whole[:-1], 1):
        try:
            found.append(str(orjson.loads(line)["note"]).encode())
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"{log / HISTORY}:{number}: no checkpoint") from None
    return found
