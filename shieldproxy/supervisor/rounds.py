"""Rounds: what is done again and again beside serving, and goes on whatever happens in one of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shieldproxy.oplog import MinuteLog


async def repeat(work: Callable[[], Awaitable[None]], interval: float, minute: MinuteLog, event: str) -> None:
    """Do ``work`` at once and then every ``interval`` seconds, for ever; a round that raises is logged as ``event``."""
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - the next round may succeed; ending would be noticed too late
            minute.error(event, exc_info=error)
        await asyncio.sleep(interval)
