"""Duties: what a supervisor does again and again while its workers serve."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from shieldproxy.core.record import rfc3339
from shieldproxy.state.beats import Beats
from shieldproxy.state.memory import Region
from shieldproxy.supervisor import certificates, compacting, origin, pulse
from shieldproxy.supervisor.episodes import say_episode
from shieldproxy.supervisor.line import LineKeeper
from shieldproxy.supervisor.stepping import look_after
from shieldproxy.supervisor.tightening import say_change, say_posture
from shieldproxy.supervisor.watch import REMEMBER_ROUND

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shieldproxy.supervisor.node import Supervisor

# Old segments of the journal are looked for so often (seconds): they are let go of by the minute, not the second.
RETENTION_ROUND = 3_600.0
# What workers closed is sealed so soon (seconds): two checkpoints a minute in the operational log.
SEAL_ROUND = 30.0

Duty = tuple["Callable[[], Awaitable[None]]", float, str]


class Duties:
    """What ``node``, whose memory is made, does in rounds."""

    def __init__(self, node: Supervisor) -> None:
        self._node = node
        self._compactor = compacting.Compactor()
        self.line = LineKeeper(node.memory, node.log)
        beats = Beats(node.memory.region(Region.BEATS))
        self._pulse = pulse.Pulse(beats, node.workers, clock=time.monotonic, log=node.log)

    def rounds(self) -> tuple[Duty, ...]:
        """Return each duty, how often it is done (seconds), and what is said when it fails. For a node that serves."""
        node = self._node
        return (
            (self.watch_over, 1.0, "the watch failed"),
            (self._pulse.look, pulse.ROUND, "looking after workers failed"),
            (node.kernel.turn, 1.0, "the kernel's part failed"),
            (self.knock, origin.INTERVAL, "asking the origin failed"),
            (node.operations.refresh, node.settings.geo.refresh, "looking for new databases failed"),
            (self._seal, SEAL_ROUND, "sealing the journal failed"),
            (self._say_certificates, certificates.ROUND, "looking at certificates failed"),
            (self.remember, REMEMBER_ROUND, "keeping what is usual failed"),
            (self._compact, compacting.ROUND, "keeping the index of the journal failed"),
            (self._forget, RETENTION_ROUND, "deleting old records failed"),
        )

    async def watch_over(self) -> None:
        """Decide how the site stands, and end what operators' orders have outlived."""
        node = self._node
        self.line.tick(time.time())
        if node.watch.tick(time.monotonic(), time.time()):
            say_posture(node.log, node.watch.detected)
        say_change(node.log, node.watch.change)
        say_episode(node.log, node.watch.episodes)
        look_after(node)
        if node.operators.sweep():
            node.tell_allowed()

    async def remember(self) -> None:
        """Keep what is usual."""
        await self._node.watch.remember(self._node.settings.state.directory, self._node.minute)

    async def knock(self) -> None:
        """Ask whether the origin is there."""
        node, before, settings = self._node, self._node.origin, self._node.settings.origin
        node.origin = await origin.knock(settings.url, settings.connect_timeout)
        if node.origin != before and (before.up is not None or not node.origin.up):
            say = node.log.info if node.origin.up else node.log.warning
            say("origin", url=str(settings.url), up=node.origin.up, why=node.origin.why)

    async def _say_certificates(self) -> None:
        self._node.certificates.say(self._node.log, time.time())

    async def _seal(self) -> None:
        await self._node.notary.turn(self._node.policy.digest, self._node.settings)

    async def _compact(self) -> None:
        await self._compactor.turn(self._node.settings)

    async def _forget(self) -> None:
        node = self._node
        found = await node.notary.forget(rfc3339(time.time() - node.settings.journal.retention))
        if found.segments:
            node.log.info("old records deleted", segments=found.segments, bytes=found.size)
        for problem in found.problems:
            node.minute.warning("old records stay", problem=problem)
