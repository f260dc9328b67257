"""Parallel import: one large log brought in by several processes, each of which writes segments of its own.

One process reads, and unpacks, and deals blocks of whole lines in turn; a line is numbered by whoever writes it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from shieldproxy.attribution.importing import Imported, Intake, digest, refuse_known
from shieldproxy.intel.networks import Networks
from shieldproxy.journal.foreign import ForeignLog, texts_of
from shieldproxy.journal.log_files import blocks

# As large as a log must be for a second process to be worth its start.
WORTH_IT = 16 << 20
BLOCK = 4 << 20
# Blocks that wait for one process: enough that it never waits itself, few enough to hold in memory.
WAITING = 2


class _Part:
    """What one process holds: the log as far as it was dealt to it, and its segments."""

    log: ForeignLog
    intake: Intake


def take_in_parallel(  # noqa: PLR0913 - what is to be done, where, and with how many
    path: Path, name: str, directory: Path, networks: Callable[[], Networks], processes: int, *, again: bool = False
) -> Imported:
    """Bring the log at ``path`` into the journal as LogImport.take does, with as many ``processes``.

    ``networks`` makes the labels anew in each of them. Raises what LogImport.take raises.
    """
    known = digest(path)
    if not again:
        refuse_known(directory, path, name, known)
    _probe(path)
    with ExitStack() as stack:
        pools = [
            stack.enter_context(
                ProcessPoolExecutor(1, initializer=_begin, initargs=(path, name, directory, known, networks, number))
            )
            for number in range(processes)
        ]
        try:
            _deal(path, pools)
        finally:
            ends = [pool.submit(_end) for pool in pools]
        return _together([end.result() for end in ends])


def _probe(path: Path) -> None:
    """Raise UnreadableLogError when the beginning of the file holds no request."""
    log = ForeignLog(path)
    for block in blocks(path):
        for line in texts_of(block):
            if log.parse(line) is not None:
                return


def _deal(path: Path, pools: list[ProcessPoolExecutor]) -> None:
    waiting: deque[Future[None]] = deque()
    lines = 0
    for number, block in enumerate(blocks(path, BLOCK)):
        waiting.append(pools[number % len(pools)].submit(_take, block, lines))
        lines += block.count(b"\n") + 1
        if len(waiting) > WAITING * len(pools):
            waiting.popleft().result()
    while waiting:
        waiting.popleft().result()


def _together(parts: list[Imported]) -> Imported:
    named = sorted((line for part in parts for line in part.broken_lines), key=lambda line: int(line.split(":")[-2]))
    return Imported(
        parts[0].node,
        sum(part.records for part in parts),
        sum(part.broken for part in parts),
        sum(part.no_address for part in parts),
        min((part.first for part in parts if part.first), default=""),
        max(part.last for part in parts),
        tuple(named),
    )


def _begin(  # noqa: PLR0913, PLR0917 - what a process is told when it starts
    path: Path, name: str, directory: Path, known: str, networks: Callable[[], Networks], number: int
) -> None:
    _Part.log = ForeignLog(path)
    _Part.log.vouched = True
    _Part.intake = Intake(directory, name, known, networks(), number)


def _take(block: bytes, lines: int) -> None:
    _Part.log.lines = lines
    _Part.intake.take(block, _Part.log)


def _end() -> Imported:
    _Part.intake.close()
    return _Part.intake.imported(_Part.log)
