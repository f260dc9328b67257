"""Blocks: the requests of a log as columns, read once, kept on disk while they are judged by one policy after another.

A log asks for the same again and again: each block holds who asked and what was asked for once, and for each request a
few numbers. So a request takes fifteen bytes on disk, and memory does not grow with the log.
"""

from __future__ import annotations

import marshal
import os
import tempfile
from array import array
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

# Requests of one block: the numbers of a column are two bytes.
MOST = 32_768
NUMBER, MOMENT = "H", "d"


class Ask(NamedTuple):
    """What a policy can see of a request beside who sends it; an empty method: no request at all."""

    method: str
    host: str
    path: str
    version: str
    referer: str = ""


class Block(NamedTuple):
    """Requests in their order. ``who`` and ``what`` are places in ``callers`` (address, user agent) and ``asks``.

    ``moments`` are seconds on the clock of the log, which never goes back; ``held`` is 1 where the log says that a
    clearance was held; ``done`` the action that the log tells.
    """

    callers: list[tuple[str, str]]
    asks: list[Ask]
    moments: array[float]
    who: array[int]
    what: array[int]
    held: bytes
    done: bytes


class Tape:
    """Blocks on disk, in a file without a name that is gone with the process. Each reader has a place of its own."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="shieldproxy-replay-")  # noqa: SIM115 - lives as long as the tape
        self._ends: list[int] = [0]

    def write(self, block: Block) -> None:
        """Add a block. Raises OSError when the disk is full."""
        columns = (block.moments.tobytes(), block.who.tobytes(), block.what.tobytes(), block.held, block.done)
        data = marshal.dumps((block.callers, [tuple(ask) for ask in block.asks], *columns))
        self._file.write(data)
        self._ends.append(self._ends[-1] + len(data))

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks in their order; also in a process that inherited the tape."""
        self._file.flush()
        for start, end in zip(self._ends, self._ends[1:], strict=False):
            callers, asks, moments, who, what, held, done = marshal.loads(  # noqa: S302 - our own, of this minute
                os.pread(self._file.fileno(), end - start, start)
            )
            yield Block(
                callers,
                [Ask(*ask) for ask in asks],
                array(MOMENT, moments),
                array(NUMBER, who),
                array(NUMBER, what),
                held,
                done,
            )

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
