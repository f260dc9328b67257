"""Who comes in a soak."""

from __future__ import annotations

import asyncio

import aiohttp

from benchmarks.soak_visitors import CAST, STRANGERS, Stage, stranger


async def test_every_request_is_counted_once_whatever_comes_of_it() -> None:
    """Also one that meets a closed door: it was sent, and nobody answered."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        stage = Stage(server.sockets[0].getsockname()[1], 60.0)
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(connector=connector) as session:
            await stranger(stage, session, 1)
    assert stage.sent == {"stranger": 1}
    assert stage.answers == {"stranger hung up": 1}
    assert not stage.hurt


def test_strangers_come_again() -> None:
    """A node that has met them all once has met them all."""
    stage = Stage(1, 60.0)
    met = {stage.stranger() for _ in range(STRANGERS * 2)}
    assert len(met) == STRANGERS
    assert len({actor.name for actor in CAST}) == len(CAST)
