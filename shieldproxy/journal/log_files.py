"""Files of logs, plain or gzip: whole lines of them, some hundred KiB at once, in bounded memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from shieldproxy.journal.lines import MAX_LINE

CHUNK = 1 << 20


class UnreadableLogError(Exception):
    """A file that is no log we can read; the message names it and says why."""


def blocks(path: Path, size: int = 0) -> Iterator[bytes]:
    """Yield the lines of a file, joined by newlines, as many as come with ``size`` bytes. Raises UnreadableLogError.

    A line longer than MAX_LINE comes as one that says nothing.
    """
    try:
        with opened(path) as file:
            rest = b""
            while piece := file.read(size or CHUNK):
                whole, newline, rest = (rest + piece).rpartition(b"\n")
                if newline:
                    yield whole
                if len(rest) > MAX_LINE:
                    rest = b"no line is so long"
            if rest:
                yield rest
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableLogError(f"{path}: {error}") from error


def opened(path: Path) -> IO[bytes]:
    """Return the file, unpacked where it is packed. Raises OSError."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return cast("IO[bytes]", gzip.open(path, "rb")) if packed else path.open("rb")


def text_of(line: bytes) -> str:
    """Return a line as text: JSON is UTF-8; in other lines each byte is a letter, as on the wire."""
    return line.decode("utf-8", "replace") if line[:1] == b"{" else line.rstrip(b"\r").decode("latin-1")
