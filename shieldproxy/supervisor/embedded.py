"""An embedded node: a guard inside somebody's own program, with no process, socket or control address of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from shieldproxy.app.equipment import Equipment
from shieldproxy.core.record import rfc3339
from shieldproxy.journal.retention import forget_before
from shieldproxy.oplog import MinuteLog, harmless, harmless_value
from shieldproxy.state.files import make_private
from shieldproxy.state.keys import load_node_secret
from shieldproxy.state.memory import NodeMemory, Region, Sizes
from shieldproxy.state.slots import SlotTable
from shieldproxy.supervisor.episodes import say_episode
from shieldproxy.supervisor.operators import Operators
from shieldproxy.supervisor.rounds import repeat
from shieldproxy.supervisor.tightening import say_change, say_posture
from shieldproxy.supervisor.watch import REMEMBER_ROUND, watch_for

if TYPE_CHECKING:
    from shieldproxy.core.ladder import Ban
    from shieldproxy.guard.guard import Guard
    from shieldproxy.guard.visits import Visit
    from shieldproxy.settings.schema import Settings

# The program's one process, and the row under which bans of earlier runs are written.
PROCESS, KEEPER = 0, 1
RETENTION_ROUND = 3_600.0


class ProgramLog:
    """Our log as lines of the program's own logging, under the name ``shieldproxy``; no value can forge one."""

    def __init__(self) -> None:
        self._logger = logging.getLogger("shieldproxy")

    def info(self, event: str, **fields: Any) -> None:
        """Say what happened in the ordinary course of things."""
        self._say(logging.INFO, event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Say what an operator should look at."""
        self._say(logging.WARNING, event, fields)

    def error(self, event: str, **fields: Any) -> None:
        """Say what does not work."""
        self._say(logging.ERROR, event, fields)

    def _say(self, level: int, event: str, fields: dict[str, Any]) -> None:
        raised = fields.pop("exc_info", None)
        told = "".join(f" {name}={harmless_value(value)}" for name, value in fields.items())
        self._logger.log(level, "%s%s", harmless(event), told, exc_info=raised)


class EmbeddedNode:
    """A guard for one process, with the memory, databases and journal that ``settings`` ask for.

    Of the settings count limits, challenge, bans, exempt, rules, geo, journal and state, ``server.mode`` and
    ``server.own_path``. ``name`` stands in records and names of files: processes that share a journal differ in it,
    and each has a state directory of its own. Raises StartError, naming the place, when something cannot be had.
    """

    def __init__(self, settings: Settings, name: str = "embedded") -> None:
        directory = settings.state.directory
        make_private(directory)
        secret = load_node_secret(directory, os.urandom)
        self._memory = NodeMemory.create(Sizes(buckets=settings.state.buckets, workers=KEEPER + 1), secret)
        self._log = ProgramLog()
        self._minute = MinuteLog(self._log, time.monotonic)
        self._watch = watch_for(self._memory, KEEPER, settings, self._log)
        table = SlotTable(self._memory.region(Region.BANS), KEEPER)
        self._operators = Operators(directory, table, secret, clock=time.monotonic, wall=time.time)
        self._equipment = Equipment(
            settings,
            self._memory,
            node=name,
            index=PROCESS,
            allowed=self._operators.allowed(),
            log=self._log,
            on_ban=self._ban_imposed,
        )
        self._equipment.bans.set_networks(self._operators.banned_networks())

    @property
    def guard(self) -> Guard:
        """The guard, for ``shield_middleware``."""
        return self._equipment.guard

    def adopt(self, settings: Settings) -> None:
        """Judge by ``settings`` from now on; those of geo, journal and state wait for the next start."""
        self._equipment.adopt(settings)
        self._watch.adopt(settings)

    async def running(self, _application: object = None) -> AsyncIterator[None]:
        """Run beside the program until it ends: for ``cleanup_ctx`` of an aiohttp application.

        Raises StartError when the journal cannot be written.
        """
        self._equipment.open()
        beside = [
            asyncio.ensure_future(self._equipment.keep_time(self._tick)),
            asyncio.ensure_future(repeat(self._forget, RETENTION_ROUND, self._minute, "old records stay")),
            asyncio.ensure_future(repeat(self._remember, REMEMBER_ROUND, self._minute, "keeping what is usual failed")),
        ]
        yield
        for task in beside:
            task.cancel()
        await self._equipment.close()
        self._operators.save()
        self._memory.close()

    def _tick(self) -> None:
        if self._watch.tick(time.monotonic(), time.time()):
            say_posture(self._log, self._watch.detected)
        say_change(self._log, self._watch.change)
        say_episode(self._log, self._watch.episodes)
        if self._operators.sweep():
            self._equipment.allow(self._operators.allowed())

    async def _remember(self) -> None:
        await self._watch.remember(self._equipment.settings.state.directory, self._minute)

    async def _forget(self) -> None:
        journal = self._equipment.settings.journal
        found = await asyncio.to_thread(forget_before, journal.directory, rfc3339(time.time() - journal.retention))
        for problem in found.problems:
            self._minute.warning("old records stay", problem=problem)

    def _ban_imposed(self, ban: Ban, visit: Visit) -> None:
        self._operators.note_ladder(ban, self.guard.policy.bans.memory)
        self._log.info("banned", client=ban.key, cause=ban.cause, rung=ban.rung, asn=visit.visitor.label.asn)
