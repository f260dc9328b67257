"""The kernel's part: once a second bans are handed over by difference, and what they dropped is counted back."""

from __future__ import annotations

import asyncio
import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from shieldproxy.core.errors import OffloadError, StartError
from shieldproxy.core.ladder import Ban
from shieldproxy.offload.twins import NoOffload
from shieldproxy.oplog import MinuteLog
from shieldproxy.state.banlist import Entry, List
from shieldproxy.supervisor.rights import lend_firewall_to_children

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shieldproxy.core.ports import Monotonic, Offload, Tallies
    from shieldproxy.core.record import Record
    from shieldproxy.offload.records import Shared
    from shieldproxy.offload.sparing import Sparing
    from shieldproxy.oplog import Log
    from shieldproxy.supervisor.dropped import Dropped
    from shieldproxy.supervisor.own_journal import OwnJournal

# Counters are read this often (seconds), less often when reading takes long: at 50,000 bans about a second, in which
# nft and we use a processor. A twentieth of one is enough.
LOOK = 2.0
SHARE = 20.0
# After an error the next attempt waits a second, then twice as long each time, up to:
LONGEST_BACKOFF = 60.0
# What an operator can do when the table stays.
BY_HAND = "nft delete table inet shieldproxy"

_T = TypeVar("_T")


class Orders(NamedTuple):
    """What one turn goes by: the node's list (ended bans and allowances too), whom to spare, and the moment.

    ``wall`` is unix seconds, ``now`` the same moment on the monotonic clock.
    """

    entries: Sequence[Entry]
    sparing: Sparing
    wall: float
    now: float
    shared: Shared


class KernelBans:
    """Keeps the kernel's bans equal to the node's. All that may wait is done in a thread of its own."""

    def __init__(  # noqa: PLR0913 - what stands around it
        self,
        offload: Offload,
        *,
        orders: Callable[[], Orders],
        dropped: Dropped,
        journal: OwnJournal,
        tallies: Tallies,
        clock: Monotonic,
        log: Log,
    ) -> None:
        self.active = not isinstance(offload, NoOffload)
        self._problem = ""
        self._offload = offload
        self._orders = orders
        self._dropped = dropped
        self._journal = journal
        self._tallies = tallies
        self._clock = clock
        self._log = log
        self._minute = MinuteLog(log, clock)
        self._thread = ThreadPoolExecutor(1, "nft", initializer=lend_firewall_to_children)
        self._handed: dict[str, Entry] = {}
        self._noted: tuple[object, ...] = ()
        self._first_end = 0.0
        self._begun = False
        self._ending = False
        self._backoff = 0.0
        self._not_before = 0.0
        self._look_at = 0.0

    # -- in the loop ------------------------------------------------------------------------------------------------

    async def turn(self) -> None:
        """Bring the kernel up to date. An error of its is counted, logged once a minute, and tried again later."""
        if not self.active or self._ending or self._clock() < self._not_before:
            return
        orders = self._orders()
        try:
            records = await self._apart(lambda: self._work(orders))
        except OffloadError as error:
            self._fail(str(error))
            return
        if self._problem:
            self._log.info("the kernel takes bans again")
        self._problem, self._backoff = "", 0.0
        await self._journal.write(records)

    async def stop(self) -> None:
        """Count for the last time, take the kernel's bans away, and close the journal."""
        self._ending = True
        if not self.active:
            return
        orders = self._orders()
        try:
            await self._journal.write(await self._apart(lambda: self._last_words(orders)))
        except StartError as error:
            self._log.error("what the kernel dropped last is not in the journal", why=str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the node ends in order
            self._log.error("the kernel's part did not end in order", by_hand=BY_HAND, exc_info=error)
        finally:
            self._thread.shutdown(wait=False)
            await self._journal.close()

    @property
    def elements(self) -> int:
        """How many bans the kernel does."""
        return self._offload.handed

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong at the moment, a sentence each; empty when all is well."""
        found = [self._problem, self._journal.problem]
        if self._offload.left_out:
            found.append(f"offload: {self._offload.left_out} bans found no room in the kernel; they hold in memory")
        return tuple(problem for problem in found if problem)

    def _fail(self, why: str) -> None:
        self._problem = f"offload: {why}; bans hold in memory"
        self._tallies.count("offload_errors")
        self._backoff = min(max(1.0, self._backoff * 2), LONGEST_BACKOFF)
        self._not_before = self._clock() + self._backoff
        self._minute.error("the kernel does not take bans, they hold in memory", why=why, wait=self._backoff)

    async def _apart(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    # -- in the thread ----------------------------------------------------------------------------------------------

    def _work(self, orders: Orders) -> list[Record]:
        self._note(orders)
        if self._begun:
            self._offload.commit(orders.now)
        else:
            self._offload.init(orders.now)
            self._begun = True
        if orders.now >= self._look_at:
            self._look(orders.now)
        return self._dropped.take(orders.shared) if self._dropped.due(orders.now) else []

    def _note(self, orders: Orders) -> None:
        sparing = orders.sparing
        # Entries that are the same objects are compared in no time, so a second without news costs a thousandth of one.
        found = (orders.entries, sparing, orders.shared.geo)
        if found == self._noted and orders.wall < self._first_end:
            return
        self._offload.spare(sparing.networks)
        wanted = {
            entry.key: entry
            for entry in orders.entries
            if entry.list is List.BAN
            and entry.until > orders.wall
            and not sparing.spares(entry.key, self._dropped.label)
        }
        for key in self._handed.keys() - wanted.keys():
            self._offload.delete(key)
        for key, entry in wanted.items():
            handed = self._handed.get(key)
            if handed is None or handed.until != entry.until:
                self._offload.add(Ban(key, orders.now + entry.until - orders.wall, entry.why, entry.rung))
        self._handed, self._noted = wanted, found
        self._first_end = min((entry.until for entry in wanted.values()), default=math.inf)

    def _look(self, now: float) -> None:
        began = self._clock()
        self._take(self._offload.collect_metrics(), now)
        self._look_at = now + max(LOOK, SHARE * (self._clock() - began))

    def _take(self, counts: Mapping[str, int], now: float) -> None:
        causes = {key: self._handed[key].why for key in counts if key in self._handed}
        self._dropped.add(counts, causes, now)
        total = sum(counts.values())
        if total:
            self._tallies.count("offload_dropped", total)

    def _last_words(self, orders: Orders) -> list[Record]:
        try:
            # What ended since the last look is told by the look after it.
            for _ in range(2):
                self._take(self._offload.collect_metrics(), orders.now)
        except OffloadError as error:
            self._log.warning("what the kernel dropped last was not counted", why=str(error))
        try:
            self._offload.shut_down()
        except OffloadError as error:
            self._log.error("the kernel keeps its bans until they end", why=str(error), by_hand=BY_HAND)
        return self._dropped.take(orders.shared)
