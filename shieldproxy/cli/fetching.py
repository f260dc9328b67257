"""Fetching: the published ranges of robots come over the network, and only what is sound takes the place of the old."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import aiohttp

from shieldproxy.core.addresses import Network
from shieldproxy.intel.robot_ranges import MOST_BYTES, parse_ranges
from shieldproxy.settings.robots import Ranges

# Files asked for at a time: operators' servers, one or two each.
AT_ONCE = 4


class Fetched(NamedTuple):
    """What came of one robot: its networks, or what was wrong with one of its files."""

    robot: str
    networks: tuple[Network, ...]
    problem: str = ""


async def fetch_all(sources: Ranges, timeout_after: float) -> list[Fetched]:
    """Return what every robot's files say; ``timeout_after`` seconds for each file. Never raises."""
    room = asyncio.Semaphore(AT_ONCE)
    limit = aiohttp.ClientTimeout(total=timeout_after)
    async with aiohttp.ClientSession(timeout=limit, headers={"User-Agent": "shieldproxy geo update"}) as session:
        return list(await asyncio.gather(*(fetch_robot(session, room, robot, files) for robot, files in sources)))


async def fetch_robot(
    session: aiohttp.ClientSession, room: asyncio.Semaphore, robot: str, files: Sequence[str]
) -> Fetched:
    """Return what the ``files`` of one robot say together; one that fails spoils all, or ranges would be missing."""
    found: list[Network] = []
    for file in files:
        try:
            async with room:
                found += parse_ranges(await fetch(session, file))
        except (aiohttp.ClientError, OSError, ValueError, TimeoutError) as error:
            return Fetched(robot, (), f"{file}: {str(error) or type(error).__name__}")
    return Fetched(robot, tuple(dict.fromkeys(found)))


async def fetch(session: aiohttp.ClientSession, address: str) -> bytes:
    """Return a file of at most one byte more than is read; raises ValueError for any status but 200."""
    async with session.get(address) as answer:
        if answer.status != 200:
            raise ValueError(f"answered {answer.status}")
        content = b""
        async for piece in answer.content.iter_any():
            content += piece
            if len(content) > MOST_BYTES:
                break
        return content
