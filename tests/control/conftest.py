"""A control room on a free port before a fake node, and a client that knows its token."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from shieldproxy.control.server import ControlServer
from shieldproxy.settings.endpoints import Listen
from tests.fakes.clock import HandClock
from tests.fakes.node import FakeNode

TOKEN = "f" * 64


@pytest.fixture
def node(clock: HandClock) -> FakeNode:
    """A node that has seen a small flood."""
    return FakeNode(clock)


@pytest.fixture
async def server(node: FakeNode, clock: HandClock) -> AsyncIterator[ControlServer]:
    """Its control room, listening on a free port."""
    room = ControlServer(node, Listen("127.0.0.1", 0), TOKEN, clock)
    await room.start()
    yield room
    await room.stop()


@pytest.fixture
async def anybody(server: ControlServer) -> AsyncIterator[aiohttp.ClientSession]:
    """A client without a token."""
    async with aiohttp.ClientSession(f"http://{server.listen}") as session:
        yield session


@pytest.fixture
async def operator(server: ControlServer) -> AsyncIterator[aiohttp.ClientSession]:
    """A client with the token."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession(f"http://{server.listen}", headers=headers) as session:
        yield session
