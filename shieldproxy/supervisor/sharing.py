"""Sharing: what this node rules is told to the others over the shared server, and what they rule is taken.

Nothing waits for it. While the server is gone the node decides from its own memory, keeps what it has to tell, and
tries again with growing pauses.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from shieldproxy.state.outbox import Outbox
from shieldproxy.state.rulings import Fault, RefusedRulingError, read, spell
from shieldproxy.state.shared_server import BATCH, SharedServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from shieldproxy.core.ports import Chance, Monotonic, WallClock
    from shieldproxy.core.rulings import Ruling
    from shieldproxy.oplog import Log, MinuteLog
    from shieldproxy.state.shared_server import Look, SharedServer

# How often others are asked for news, and for how long own rulings are gathered before they are told (seconds).
PAUSE, GATHER = 0.5, 0.1
# After a failure the next attempt waits so long, then twice as long each time, up to the second (seconds).
FIRST_BACKOFF, LONGEST_BACKOFF = 0.5, 10.0
TIDY_ROUND = 60.0
# The whole set is read at most so often (seconds), whatever the server says of itself.
WHOLE_ROUND = 10.0
# Batches told in one turn; with PAUSE between turns 2,000 rulings a second.
BATCHES = 10
ERA_BYTES = 8
# Pages of news read in one turn: a server that always has more does not keep us from telling ours.
PAGES = 50
# That rulings were refused is said for so long after the last one (seconds).
FAULT_SHOWN = 3_600.0


class Sharing:
    """Keeps the rulings of this node and of the others equal. ``node`` is its name, ``keys`` sign (the first) and read.

    ``receive`` takes rulings of others and returns how many changed something; ``own`` yields those of this node that
    still mean something. ``up``: whether the server is in use, None before it was asked.
    """

    def __init__(  # noqa: PLR0913 - what stands around it
        self,
        server: SharedServer,
        node: str,
        keys: Sequence[bytes],
        *,
        receive: Callable[[Iterable[Ruling]], int],
        own: Callable[[], Iterable[Ruling]],
        chance: Chance,
        clock: Monotonic,
        wall: WallClock,
        log: Log,
        minute: MinuteLog,
    ) -> None:
        self.up: bool | None = None
        self.counts: Counter[str] = Counter()
        self._server, self._node, self._keys = server, node, tuple(keys)
        self._receive, self._own = receive, own
        self._chance, self._clock, self._wall = chance, clock, wall
        self._log, self._minute = log, minute
        self._outbox = Outbox()
        self._waiting = asyncio.Event()
        self._cursor = (0, 0)
        self._era = b""
        self._anew = True
        self._whole_at = self._tidy_at = 0.0
        self._backoff = 0.0
        self._why = ""
        self._fault: Fault | None = None
        self._fault_at = 0.0
        self._running: asyncio.Task[None] | None = None
        self._stopping = False

    # -- what the node asks -----------------------------------------------------------------------------------------

    def tell(self, ruling: Ruling) -> None:
        """Have the others told of ``ruling``, soon."""
        self._outbox.put(ruling._replace(node=self._node))
        self._waiting.set()

    def adopt(self, keys: Sequence[bytes]) -> None:
        """Sign and read with ``keys`` from now on; when they are others, all is read and told again."""
        if tuple(keys) != self._keys:
            self._keys, self._anew, self._fault = tuple(keys), True, None

    @property
    def waiting(self) -> int:
        """How many rulings the others were not told yet."""
        return len(self._outbox)

    @property
    def lost(self) -> int:
        """How many rulings gave way to newer ones before the others could be told."""
        return self._outbox.lost

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong at the moment, a sentence each; empty when all is well."""
        found = [self._why] if self.up is False else []
        if self._fault is not None and self._clock() - self._fault_at < FAULT_SHOWN:
            found.append(f"shared server: rulings of other nodes are refused, {self._fault}")
        return tuple(found)

    # -- turns ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Share until ``stop``."""
        self._running = asyncio.current_task()
        while not self._stopping:
            try:
                await self.turn()
            except SharedServerError as error:
                self._fail(str(error))
                await asyncio.sleep(self._backoff)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSE):
                    await self._waiting.wait()
                await asyncio.sleep(GATHER)

    async def turn(self) -> None:
        """Take what is new and tell what waits. Raises SharedServerError; nothing is lost by it."""
        look = await self._server.look(self._cursor)
        in_step = look.whole and self._era in look.eras and not self._anew
        for _ in range(PAGES):
            self._take(look.lines)
            self._cursor = look.cursor
            if not look.more:
                break
            look = await self._server.look(self._cursor)
            in_step = in_step and look.whole
        if not in_step and self._clock() >= self._whole_at:
            await self._begin(look)
        await self._tidy()
        await self._publish()
        self._succeed()

    async def stop(self) -> None:
        """Tell what still waits, if the server takes it, and close the connection."""
        self._stopping = True
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        with suppress(SharedServerError):
            if self.up:
                await self._publish()
        await self._server.close()

    async def _begin(self, look: Look) -> None:
        """Read all there is and follow from there; what the server may have forgotten is told again."""
        forgotten = self._anew or self._era not in look.eras
        # Before anything is waited for: keys that change meanwhile, or a failure, have it read once more.
        self._anew, self._era = False, b""
        self._cursor = await self._server.tail()
        if not look.eras:
            await self._server.begin_era(self._chance(ERA_BYTES).hex().encode())
        async for lines in self._server.everything():
            self._take(lines)
        if forgotten:
            for ruling in self._own():
                self.tell(ruling)
        eras = (await self._server.look(self._cursor)).eras
        self._era, self._whole_at = min(eras, default=b""), self._clock() + WHOLE_ROUND

    async def _tidy(self) -> None:
        if self._clock() >= self._tidy_at:
            await self._server.tidy(self._wall())
            self._tidy_at = self._clock() + TIDY_ROUND

    async def _publish(self) -> None:
        self._waiting.clear()
        for _ in range(BATCHES):
            batch = self._outbox.first(BATCH, self._wall())
            if not batch:
                return
            lines = {spell(ruling, self._keys[0]): max(ruling.until, ruling.remembered) for ruling in batch}
            await self._server.publish(lines)
            self._outbox.told(batch)
            self.counts["sent"] += len(batch)
        self._waiting.set()

    def _take(self, lines: Iterable[bytes]) -> None:
        found: list[Ruling] = []
        for line in lines:
            try:
                ruling = read(line, self._keys, self._wall())
            except RefusedRulingError as refused:
                self.counts["refused"] += 1
                self._refuse(refused.fault)
                continue
            found.append(ruling._replace(node="") if ruling.node == self._node else ruling)
        # Ends first: what an end on the same page lifts is not banned in between.
        self.counts["taken"] += self._receive(sorted(found, key=lambda ruling: not ruling.ends)) if found else 0

    def _refuse(self, fault: Fault) -> None:
        self._fault, self._fault_at = fault, self._clock()
        self._minute.warning("rulings of other nodes are refused", why=str(fault))

    # -- how it stands ----------------------------------------------------------------------------------------------

    def _fail(self, why: str) -> None:
        self._backoff = min(max(FIRST_BACKOFF, self._backoff * 2), LONGEST_BACKOFF)
        self._why = f"shared server: {why}; this node decides from its own memory"
        if self.up is not False:
            self._log.warning("the shared server is gone, this node decides from its own memory", why=why)
        self.up = False

    def _succeed(self) -> None:
        if self.up is False:
            self._log.info("the shared server is in use again")
        self._backoff, self._why, self.up = 0.0, "", True
