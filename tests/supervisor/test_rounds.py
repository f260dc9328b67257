"""Rounds: they begin at once, come again, and one that fails is not the last."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from shieldproxy.oplog import MinuteLog
from shieldproxy.supervisor.rounds import repeat
from tests.fakes.clock import HandClock


class ListLog:
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def info(self, event: str, **fields: Any) -> None:
        self.said.append(event)

    warning = error = info


async def test_a_round_that_fails_is_said_and_not_the_last() -> None:
    """Three rounds of which the first two fail: all take place, and the failure is said once in that minute."""
    log, done = ListLog(), asyncio.Event()
    rounds: list[int] = []

    async def work() -> None:
        rounds.append(len(rounds))
        if len(rounds) < 3:
            raise ValueError("not today")
        done.set()

    task = asyncio.ensure_future(repeat(work, 0.0, MinuteLog(log, HandClock()), "the work failed"))
    await asyncio.wait_for(done.wait(), 5)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert rounds[:3] == [0, 1, 2]
    assert log.said == ["the work failed"]
