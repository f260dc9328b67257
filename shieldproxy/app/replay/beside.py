"""Beside: a second policy judges the same blocks at the same time, in a process of its own.

Two policies share nothing: each has buckets, bans and detectors of its own. So on two processors a comparison takes no
longer than one replay, and says the same as one after the other.
"""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from shieldproxy.app.replay.blocks import Tape
    from shieldproxy.app.replay.callers import Callers
    from shieldproxy.app.replay.quick import QuickLane


def actions(lane: QuickLane, tape: Tape, callers: Callers, *, apart: bool) -> Iterator[bytes | bytearray]:
    """Return what ``lane`` does with the requests of each block of ``tape``; ``apart``: another process begins with it.

    The faults and bans of the lane are counted when all blocks are through. Raises RuntimeError when the process dies.
    """
    if not apart:
        return (lane.judge_block(block, callers.all_of(block.callers))[0] for block in tape.blocks())
    # It inherits callers and tape as they are, so nothing is copied but what either changes.
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_judge, args=(lane, tape, callers, there), daemon=True)
    process.start()
    there.close()
    return _received(lane, tape, here, process)


def _received(lane: QuickLane, tape: Tape, here: Connection, process: BaseProcess) -> Iterator[bytes]:
    try:
        for _ in tape.blocks():
            yield here.recv_bytes()
        lane.faults, lane.bans = here.recv()
    except EOFError as error:
        raise RuntimeError("the process that judged by the other configuration has died") from error
    finally:
        here.close()
        process.join()


def _judge(lane: QuickLane, tape: Tape, callers: Callers, there: Connection) -> None:
    for block in tape.blocks():
        there.send_bytes(lane.judge_block(block, callers.all_of(block.callers))[0])
    there.send((lane.faults, lane.bans))
