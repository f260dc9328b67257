"""The flood sends what the schedule says and counts what comes back."""

from __future__ import annotations

import time
from random import Random

from shieldproxy.cli.demo.botnet import Bot, Shot
from shieldproxy.cli.demo.flood import Flood, Tally
from tests.cli.demo.shield import Shield

BOTS = [Bot(f"198.51.100.{number}", 64500, 0.5, number) for number in range(1, 6)]


async def rage(shield: Shield) -> Tally:
    """Send two requests of each bot and return the tally."""
    async with shield.open() as target:
        shots = [Shot(0.001 * number, bot) for number, bot in enumerate(BOTS * 2)]
        flood = Flood(shots, target, clock=time.monotonic, chance=Random(1))
        await flood.rage(time.monotonic())
    return flood.tally


async def test_every_shot_is_sent_from_its_address() -> None:
    """Each request has a connection of its own that claims the bot's address, and answers no challenge."""
    shield = Shield(challenging=True)
    tally = await rage(shield)
    assert sorted(shield.claimed) == sorted(bot.address for bot in BOTS * 2)
    assert (tally.sent, tally.statuses, tally.cut, tally.late) == (10, {503: 10}, 0, 0)
    assert tally.addresses == {bot.address for bot in BOTS}
    assert all(b"accept-language" in asked.headers for asked in shield.heard)


async def test_closed_connections_are_counted() -> None:
    """A shield that closes without a word has still been asked."""
    tally = await rage(Shield(hang_up=True))
    assert (tally.sent, tally.cut, tally.statuses) == (10, 10, {})
