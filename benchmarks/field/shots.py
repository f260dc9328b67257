"""What floods send: the botnet of 2024-01-17, and the same twenty times faster from everywhere. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from shieldproxy.cli.demo import botnet, browsers
from shieldproxy.cli.demo.botnet import Bot
from shieldproxy.cli.demo.flood import LANGUAGES
from shieldproxy.cli.demo.wire import announcement, request_bytes


class Volley(NamedTuple):
    """One request of a flood: seconds after its beginning, whose it is, and the bytes of its connection."""

    at: float
    address: str
    sent: bytes


def botnet_volleys(bots: Sequence[Bot], seconds: float, site: str, chance: Random) -> list[Volley]:
    """Return the published flood, pressed into ``seconds``."""
    return [
        Volley(shot.at, shot.bot.address, connection(shot.bot.address, shot.bot.agent, site, chance))
        for shot in botnet.schedule(bots, seconds, chance)
    ]


def swarm_volleys(addresses: Sequence[str], rate: float, seconds: float, site: str, chance: Random) -> list[Volley]:
    """Return ``rate`` requests a second of all ``addresses`` in turn."""
    count = int(rate * seconds)
    order = list(addresses)
    chance.shuffle(order)
    return [
        Volley(number / rate, address, connection(address, chance.randrange(1 << 16), site, chance))
        for number in range(count)
        for address in (order[number % len(order)],)
    ]


def connection(address: str, agent: int, site: str, chance: Random) -> bytes:
    """Return what a bot sends on a new connection: whose it is, then one request with a browser's head."""
    program = browsers.WORN[agent % len(browsers.WORN)]
    method, path, body = botnet.wish(chance)
    fields = browsers.page_fields(program, LANGUAGES[agent % len(LANGUAGES)])
    if body is not None:
        fields.append(("Content-Type", "application/x-www-form-urlencoded"))
    return announcement(address, chance.randrange(1_024, 65_536)) + request_bytes(method, path, site, fields, body)
