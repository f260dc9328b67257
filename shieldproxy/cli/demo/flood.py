"""The flood: sends what the botnet's schedule says, when it says it, to this machine only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from shieldproxy.cli.demo import browsers
from shieldproxy.cli.demo.botnet import Shot, wish
from shieldproxy.cli.demo.wire import Link, Target, WireError

# A bot waits no longer; what takes longer is counted as unanswered.
PATIENCE = 5.0
# Requests under way at once. 179 a second that take 5 s each are 900; more means that this machine cannot follow.
AT_ONCE = 1_000

LANGUAGES = ("de-CH,de;q=0.9,en;q=0.8", "en-US,en;q=0.9", "fr-CH,fr;q=0.9", "de-DE,de;q=0.9", "it-CH,it;q=0.9")


@dataclass
class Tally:
    """What became of the flood as the botnet sees it. ``statuses`` counts answers, ``cut`` connections without one.

    ``sent`` are requests that left, ``late`` those that this machine could not send in time.
    """

    sent: int = 0
    cut: int = 0
    late: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    addresses: set[str] = field(default_factory=set)


class Flood:
    """Sends a schedule."""

    def __init__(self, shots: Sequence[Shot], target: Target, *, clock: Callable[[], float], chance: Random) -> None:
        self.tally = Tally()
        self._shots = shots
        self._target = target
        self._clock = clock
        self._chance = chance

    async def rage(self, begin: float) -> None:
        """Send every request at its time after ``begin`` and wait for the last answers."""
        async with asyncio.TaskGroup() as group:
            under_way: set[asyncio.Task[None]] = set()
            for shot in self._shots:
                await asyncio.sleep(max(0.0, begin + shot.at - self._clock()))
                if len(under_way) >= AT_ONCE:
                    self.tally.late += 1
                    continue
                task = group.create_task(self._shoot(shot))
                under_way.add(task)
                task.add_done_callback(under_way.discard)

    async def _shoot(self, shot: Shot) -> None:
        bot = shot.bot
        program = browsers.WORN[bot.agent % len(browsers.WORN)]
        method, path, body = wish(self._chance)
        fields = browsers.page_fields(program, LANGUAGES[bot.agent % len(LANGUAGES)])
        if body is not None:
            fields.append(("Content-Type", "application/x-www-form-urlencoded"))
        link = Link(self._target, bot.address, self._chance.randrange(1_024, 65_536))
        tally = self.tally
        try:
            got = await link.ask(method, path, fields, body, PATIENCE)
            tally.statuses[got.status] = tally.statuses.get(got.status, 0) + 1
            tally.sent += 1
        except WireError as fault:
            tally.sent += fault.asked
            tally.cut += 1
        finally:
            tally.addresses.add(bot.address)
            await link.close()
