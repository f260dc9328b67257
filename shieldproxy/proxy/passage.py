"""The passage: what leads from an admitted request to the pool: the site's pace, and the line of people before it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shieldproxy.core.errors import ExchangeError
from shieldproxy.core.verdict import Side

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiolimiter import AsyncLimiter

    from shieldproxy.guard.waiting import WaitingRoom
    from shieldproxy.proxy.door import Door
    from shieldproxy.proxy.forwarding import ForwardedExchange

# So many seconds' worth of what the site answers may wait for it: people who are called come within some seconds, each
# with the parts of a page, and it must not stand idle meanwhile. More than a quarter of the pool's line never.
AHEAD, PART = 2.0, 4


class Passage:
    """The way of one worker's admitted requests. ``pace`` is aiolimiter's bucket for what reaches the origin, or None.

    ``changed`` is called when ``way`` is another.
    """

    def __init__(
        self,
        door: Door,
        pace: AsyncLimiter | None,
        max_pacing: int,
        room: WaitingRoom | None,
        changed: Callable[[], None],
    ) -> None:
        self._door = door
        self._pace = pace
        self._max_pacing = max_pacing
        self._pacing = 0
        self._room = room
        self._answers = 0
        self._changed = changed

    def pace(self, pace: AsyncLimiter | None, max_pacing: int) -> None:
        """Pace what reaches the origin by ``pace`` from now on; who waits already keeps the place."""
        self._pace = pace
        self._max_pacing = max_pacing
        self._changed()

    @property
    def way(self) -> Callable[[ForwardedExchange], None]:
        """What takes an admitted exchange on: straight the pool, while there is no pace to keep and nobody in line."""
        if self._room is not None and self._room.opened:
            return self._past_line
        return self._door.pool.connect if self._pace is None else self._keep_pace

    def turn(self, answers: int) -> None:
        """Once a second: tell the line how much room there is; ``answers`` is how many the origin has given in all."""
        served, self._answers = answers - self._answers, answers
        if self._room is None:
            return
        pool = self._door.pool
        room = pool.room + int(min(AHEAD * served, pool.max_waiting / PART))
        if self._pace is not None:
            room = min(room, int(AHEAD * self._pace.max_rate / self._pace.time_period) - self._pacing)
        self._room.turn(room)
        self._changed()

    # -- the line -----------------------------------------------------------------------------------------------------

    def _past_line(self, exchange: ForwardedExchange) -> None:
        """Let an exchange go on whose turn it is; others get a place in line."""
        decision = exchange.decision
        if self._room is not None and decision is not None and not exchange.done:
            held = self._room.hold(decision, secure=exchange.caller.secure)
            if held is not None:
                exchange.respond(held[0], challenge=held[1])
                return
        if self._pace is None:
            self._door.pool.connect(exchange)
        else:
            self._keep_pace(exchange)

    def full(self, exchange: ForwardedExchange, body: bytes) -> bool:
        """Give an exchange that found the site full a place in line; False where a bare answer is all there is."""
        if self._room is None or exchange.decision is None or exchange.responding or exchange.done:
            return False
        found = self._room.full(exchange.decision, body, secure=exchange.caller.secure)
        if found is None:
            return False
        self._changed()
        exchange.respond(found[0], challenge=found[1])
        return True

    # -- the pace -----------------------------------------------------------------------------------------------------

    def _keep_pace(self, exchange: ForwardedExchange) -> None:
        if self._pace is None:
            self._door.pool.connect(exchange)
        elif self._pacing >= self._max_pacing and not self._pace.has_capacity():
            exchange.fail(ExchangeError(503, "busy", "too many requests wait for the origin's pace", Side.SHIELD))
        else:
            self._door.spawn(self._paced(self._pace, exchange))

    async def _paced(self, pace: AsyncLimiter, exchange: ForwardedExchange) -> None:
        self._pacing += 1
        waits = not pace.has_capacity()
        try:
            await asyncio.wait_for(pace.acquire(), self._door.terms.pace_wait)
        except TimeoutError:
            exchange.fail(ExchangeError(503, "busy", "the origin's pace left no place in time", Side.SHIELD))
            return
        finally:
            self._pacing -= 1
        if not (exchange.gave_up() if waits else exchange.done):
            self._door.pool.connect(exchange)
