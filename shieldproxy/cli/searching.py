"""Searching: the reader for a question, with the index in front of it where there is one."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from shieldproxy.attribution.engine import available
from shieldproxy.attribution.index import Index
from shieldproxy.attribution.searching import NOTE, conditions, passed_over
from shieldproxy.journal.filters import Filter
from shieldproxy.journal.reader import Reader

# Below it nobody asks how it could be faster; seconds.
LONG = 3.0


def reader_for(directory: Path, wanted: Filter) -> Reader:
    """Return a reader that passes over the segments of which the index knows that they hold nothing ``wanted``."""
    return Reader(directory, without=passed_over(Index(directory, time.time), wanted))


def say_what_is_missing(wanted: Filter, began: float) -> None:
    """Say on stderr what the index would have saved, when there is no engine for it and it took long.

    ``began`` is when the question was asked, on time.monotonic.
    """
    if not available() and any(conditions(wanted)) and time.monotonic() - began > LONG:
        sys.stderr.write(f"{NOTE}\n")
