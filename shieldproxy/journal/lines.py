"""Lines: reading a segment file piece by piece, in fixed memory whatever stands in it."""

from __future__ import annotations

import os
from collections.abc import Iterator

# Large enough that a system call is cheap beside it, small enough to keep a hundred segments open.
CHUNK = 1 << 18

# A request head is at most some tens of KiB; a longer line was never written by us.
MAX_LINE = 1 << 20

_TS = b'"ts":"'
TS_LENGTH = 27


def lines(
    file: int, start: int = 0, needles: tuple[bytes, ...] = (), *, unfinished: bool = True
) -> Iterator[tuple[int, bytes]]:
    """Yield (offset, line without its newline) from the offset ``start`` to the end of the open ``file``.

    Lines without all ``needles`` are left out, whole pieces of the file at once where it can be. The last line is
    given without a newline only when ``unfinished``. What is longer than MAX_LINE comes as an empty line.
    """
    begin, rest, overlong, position = start, b"", False, start
    while piece := os.pread(file, CHUNK, position):
        at, position = position, position + len(piece)
        end = piece.rfind(b"\n") + 1
        if end == 0:
            overlong = overlong or len(rest) + len(piece) > MAX_LINE
            rest = b"" if overlong else rest + piece
            continue
        block = rest + piece[:end]
        if overlong:
            yield begin, b""
            head = piece.find(b"\n") + 1
            begin, block, overlong = at + head, piece[head:end], False
        if block and all(needle in block for needle in needles):
            yield from _split(block, begin, needles)
        begin, rest = at + end, piece[end:]
    if unfinished and (rest or overlong) and all(needle in rest for needle in needles):
        yield begin, rest


def end_of_lines(file: int, size: int) -> int:
    """Return where the last whole line ends within the first ``size`` bytes; 0 when there is none."""
    while size > 0:
        start = max(0, size - CHUNK)
        found = os.pread(file, size - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        size = start
    return 0


def line_at(file: int, offset: int, length: int) -> bytes:
    """Return the ``length`` bytes at ``offset``; fewer when the file has become shorter."""
    return os.pread(file, length, offset)


def line_number(file: int, offset: int) -> int:
    """Return the number, from 1, of the line that begins at ``offset``."""
    count, position = 1, 0
    while position < offset and (piece := os.pread(file, min(CHUNK, offset - position), position)):
        count += piece.count(b"\n")
        position += len(piece)
    return count


def ts_of(line: bytes) -> bytes:
    """Return the ts of a line by its place, without reading the JSON; b'' when it is not where we write it.

    It stands before any text that a client chooses, and quotes inside JSON text are escaped: nobody can forge it.
    """
    at = line.find(_TS, 0, 64) + len(_TS)
    end = at + TS_LENGTH
    return line[at:end] if at >= len(_TS) and line[end : end + 1] == b'"' else b""


def _split(block: bytes, offset: int, needles: tuple[bytes, ...]) -> Iterator[tuple[int, bytes]]:
    at = offset
    for line in block[:-1].split(b"\n"):
        if not needles or all(needle in line for needle in needles):
            yield at, line
        at += len(line) + 1
