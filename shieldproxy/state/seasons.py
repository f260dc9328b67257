"""Seasons on disk: one file of the state directory, and what was learned from old logs, waiting for the node."""

from __future__ import annotations

import base64
import json
import zlib
from array import array
from pathlib import Path

from shieldproxy.core.errors import StartError
from shieldproxy.core.seasons import HOURS, ROWS, WIDTH, Kept, Seasons
from shieldproxy.state.files import MISSING, read_learned, replace_secret, unreadable
from shieldproxy.state.learned import FILE as USUAL
from shieldproxy.state.learned import Usual, keep_usual, read_usual

FILE = "seasons.json"
LOST = "seasons are learned anew"
VERSION = 1
# 4,096 keys with 168 numbers, packed, are less than a third of this.
MOST_BYTES = 16 << 20
# Where `replay --learn` leaves what it learned; the node takes it and removes it.
LEARNED = "learned"


def read_seasons(directory: Path) -> tuple[Seasons, str]:
    """Return what was kept, and what is wrong with it ('' when nothing is, or nothing was kept).

    A damaged file costs the knowledge, never the start.
    """
    path = directory / FILE
    document, wrong = read_learned(path, MOST_BYTES, LOST)
    if wrong or document is MISSING:
        return Seasons(), wrong
    try:
        return Seasons(_kept_of(document)), ""
    except (ValueError, TypeError, KeyError, AttributeError, zlib.error) as error:
        return Seasons(), unreadable(path, error, LOST)


def keep_seasons(directory: Path, kept: Kept) -> None:
    """Keep ``kept`` in place of what was kept before. Raises StartError when it cannot be written."""
    document = {
        "version": VERSION,
        "seconds": kept.seconds,
        "counts": {key: _packed(counts) for key, counts in kept.counts.items()},
        "sketch": [_packed(row) for row in kept.sketch],
    }
    replace_secret(directory / FILE, json.dumps(document, separators=(",", ":")))


def leave_learned(directory: Path, usual: Usual, seasons: Seasons) -> None:
    """Leave what was learned from old logs for the node of ``directory``. Raises StartError."""
    waiting = directory / LEARNED
    keep_seasons(waiting, seasons.kept())
    keep_usual(waiting, usual)  # last: this file says that both are there


def take_learned(directory: Path) -> tuple[Usual, Seasons] | None:
    """Take what `replay --learn` left, None when there is nothing.

    Raises StartError when it cannot be read, as when another user left it; what is damaged is removed.
    """
    waiting = directory / LEARNED
    if not (waiting / USUAL).exists():
        return None
    usual, problem = read_usual(waiting)
    seasons, more = read_seasons(waiting)
    try:
        for path in (waiting / USUAL, waiting / FILE):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StartError(f"{waiting}: cannot be taken: {error.strerror}") from error
    if problem or more:
        raise StartError(problem or more)
    return usual, seasons


def _packed(numbers: array[float]) -> str:
    return base64.b64encode(zlib.compress(array("f", numbers).tobytes(), 1)).decode()


def _unpacked(text: str, length: int, code: str) -> array[float]:
    numbers = array("f")
    unpacker = zlib.decompressobj()
    numbers.frombytes(unpacker.decompress(base64.b64decode(text), 4 * length + 4))
    if len(numbers) != length or not all(0.0 <= number < 1e18 for number in numbers):
        raise ValueError("not so many counts")
    return array(code, numbers)


def _kept_of(document: dict[str, object]) -> Kept:
    if document["version"] != VERSION:
        raise ValueError("another version")
    seconds, counts, sketch = document["seconds"], document["counts"], document["sketch"]
    if not isinstance(seconds, list) or not isinstance(counts, dict) or not isinstance(sketch, list):
        raise TypeError("no table")
    lived = tuple(float(number) for number in seconds)
    if len(lived) != HOURS or not all(0.0 <= number < 1e9 for number in lived) or len(sketch) != ROWS:
        raise ValueError("no hours of a week")
    return Kept(
        lived,
        {str(key): _unpacked(text, HOURS, "f") for key, text in counts.items()},
        tuple(_unpacked(row, WIDTH, "d") for row in sketch),
    )
