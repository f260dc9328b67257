"""Tunnels: WebSocket and other upgrades pass unread, both ways, and end in order."""

from __future__ import annotations

import asyncio
import random

import pytest
import websockets
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from tests.proxy.conftest import OK, Open, StartOrigin

UPGRADE = b"GET /ws HTTP/1.1\r\nHost: s\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)
    await connection.close(4001, "done")


async def test_a_websocket_carries_text_binary_and_large_messages(open_shield: Open) -> None:
    """With the websockets library on both ends: text, bytes, fragments, 1 MiB, and the close code."""
    async with serve(echo, "127.0.0.1", 0, max_size=4 << 20) as server:
        shield = await open_shield(server.sockets[0].getsockname()[1])
        async with connect(f"ws://127.0.0.1:{shield.port}/ws", max_size=4 << 20) as client:
            for message in ("hello", b"\x00\xff", random.Random(1).randbytes(1 << 20), "ä" * 1000):
                await client.send(message)
                assert await client.recv() == message
            await client.send(["frag", "ments"])
            assert await client.recv() == "fragments"
        assert client.close_code == 1000
        await shield.settled()
    record = shield.journal.records[0]
    assert record.status == 101
    assert record.bytes_in > 1 << 20
    assert record.bytes_out > 1 << 20


async def test_the_origins_close_code_comes_through(open_shield: Open) -> None:
    """An origin that closes with a code of its own is heard."""

    async def leave(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.close(4001, "enough")

    async with serve(leave, "127.0.0.1", 0) as server:
        shield = await open_shield(server.sockets[0].getsockname()[1])
        async with connect(f"ws://127.0.0.1:{shield.port}/ws") as client:
            await client.send("go")
            with pytest.raises(websockets.ConnectionClosed):
                await client.recv()
        assert (client.close_code, client.close_reason) == (4001, "enough")


async def test_an_upgrade_the_origin_does_not_take_is_an_ordinary_answer(
    open_shield: Open, start_origin: StartOrigin
) -> None:
    """200 to an upgrade request is passed on, and the connection serves the next request."""
    origin = await start_origin(OK)
    shield = await open_shield(origin)
    client = await shield.connect()
    client.send(UPGRADE)
    assert (await client.response())[1] == b"ok"
    client.send(b"GET / HTTP/1.1\r\nHost: s\r\n\r\n")
    assert (await client.response())[1] == b"ok"


async def test_bytes_sent_with_the_switch_are_not_lost(open_shield: Open, start_origin: StartOrigin) -> None:
    """What the origin sends right behind its 101, in the same packet, reaches the client."""

    async def eager(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCH + b"early")
        writer.write(await reader.readexactly(3))
        await writer.drain()

    origin = await start_origin(script=eager)
    shield = await open_shield(origin)
    client = await shield.connect()
    client.send(UPGRADE)
    head, _ = await client.response()
    assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n")
    assert await client.reader.readexactly(5) == b"early"
    client.send(b"abc")
    assert await client.read_all() == b"abc"
    await shield.settled()


async def test_a_request_smuggled_behind_an_upgrade_goes_nowhere(open_shield: Open, start_origin: StartOrigin) -> None:
    """Bytes behind an upgrade that is not granted are never read as a request (or as a tunnel's)."""
    origin = await start_origin(OK)
    shield = await open_shield(origin)
    answer = await shield.talk(UPGRADE + b"GET /evil HTTP/1.1\r\nHost: s\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200") == 1
    assert b"evil" not in origin.received


async def test_a_silent_tunnel_is_closed_in_its_own_time(open_shield: Open, start_origin: StartOrigin) -> None:
    """A tunnel lives as long as tunnel_idle says, not as long as a head or a response may take."""

    async def switch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCH)
        await reader.read()

    origin = await start_origin(script=switch)
    shield = await open_shield(
        origin, terms={"tunnel_idle": 1.5, "header": 0.2, "idle": 0.2}, origin_terms={"response": 0.2}
    )
    client = await shield.connect()
    client.send(UPGRADE)
    await client.response()
    with pytest.raises(TimeoutError):
        await client.read_all(silence=0.8)
    assert await client.read_all(silence=5) == b""
    await shield.settled()
