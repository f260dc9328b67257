"""What pages have in common in calm, kept over restarts in one file, so that a cohort can be told right after one."""

from __future__ import annotations

import json
import math
from pathlib import Path

from shieldproxy.core.cohorts import KEPT, Calm
from shieldproxy.state.files import MISSING, read_learned, replace_secret, unreadable

FILE = "calm.json"
LOST = "what people have in common is learned anew"
VERSION = 1
# As many traits as are kept take less than half of this.
MOST_BYTES = 8 << 20


def read_calm(directory: Path) -> tuple[Calm, str]:
    """Return what was kept, and what is wrong with it ('' when nothing is, or nothing was kept).

    A damaged file costs the knowledge, never the start.
    """
    path = directory / FILE
    document, wrong = read_learned(path, MOST_BYTES, LOST)
    if wrong or document is MISSING:
        return Calm(), wrong
    try:
        if document["version"] != VERSION:
            raise ValueError("another version")
        pages = {str(text): _number(count) for text, count in document["pages"].items()}
        return Calm(_number(document["age"]), dict(list(pages.items())[:KEPT])), ""
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return Calm(), unreadable(path, error, LOST)


def keep_calm(directory: Path, calm: Calm) -> None:
    """Keep ``calm`` in place of what was kept before. Raises StartError when it cannot be written."""
    pages = {text: round(count, 3) for text, count in calm.pages.items()}
    document = {"version": VERSION, "age": calm.age, "pages": pages}
    replace_secret(directory / FILE, json.dumps(document, separators=(",", ":")))


def _number(value: object) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value) or value < 0.0:
        raise ValueError("no number that can be counted")
    return float(value)
