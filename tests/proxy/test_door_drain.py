"""The door as it closes: what was begun is ended, who was accepted is answered, nothing lasts beyond its time."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path

import pytest

from tests.proxy.authority import Authority
from tests.proxy.conftest import OK, Client, Open, RawOrigin, StartOrigin

GET = b"GET / HTTP/1.1\r\nHost: s\r\n\r\n"


async def test_draining_ends_what_is_under_way_and_starts_nothing(open_shield: Open, start_origin: StartOrigin) -> None:
    """At a drain an idle connection closes at once, a running exchange gets its answer with Connection: close."""
    release = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            await reader.readuntil(b"\r\n\r\n")
            if reader.at_eof():
                return
            if connections.pop(0):
                await release.wait()
            writer.write(OK)

    connections = [False, True]
    origin = await start_origin(script=wait)
    shield = await open_shield(origin)
    idle, busy = await shield.connect(), await shield.connect()
    idle.send(GET)
    await idle.response()
    busy.send(GET)
    await asyncio.sleep(0.1)
    drained = asyncio.ensure_future(shield.door.drain(5.0))
    assert await idle.read_all() == b""
    release.set()
    head, body = await busy.response()
    assert body == b"ok"
    assert b"Connection: close" in head
    await asyncio.wait_for(drained, 2)


async def test_an_upload_under_way_survives_the_drain(open_shield: Open, origin: RawOrigin) -> None:
    """A body that is still coming when the drain begins is read to its end."""
    shield = await open_shield(origin)
    client = await shield.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 6\r\n\r\nabc")
    await asyncio.sleep(0.1)
    drained = asyncio.ensure_future(shield.door.drain(5.0))
    await asyncio.sleep(0.1)
    client.send(b"def")
    assert (await client.response())[1] == b"ok"
    assert origin.bodies == [b"abcdef"]
    await drained


@pytest.mark.parametrize("begun", [b"", GET[:9]], ids=["nothing said", "a head begun"])
async def test_who_came_just_before_the_drain_is_answered_once(
    open_shield: Open, origin: RawOrigin, begun: bytes
) -> None:
    """No other server knows of an accepted connection: its request is answered, with Connection: close, then it ends."""
    shield = await open_shield(origin)
    client = await shield.connect()
    client.send(begun)
    await asyncio.sleep(0.1)
    drained = asyncio.ensure_future(shield.door.drain(5.0))
    await asyncio.sleep(0.1)
    client.send(GET[len(begun) :] + GET)
    head, body = await client.response()
    assert body == b"ok"
    assert b"Connection: close" in head
    assert await client.read_all() == b""
    assert len(origin.heads) == 1
    await asyncio.wait_for(drained, 5)  # what the client still pours is read for a moment


async def test_a_connection_in_the_queue_as_the_door_closes_is_answered(open_shield: Open, origin: RawOrigin) -> None:
    """Accepted in the very turn in which the drain begins, it is answered all the same."""
    shield = await open_shield(origin)
    clients = [socket.create_connection(("127.0.0.1", shield.port)) for _ in range(20)]
    for client in clients:
        client.sendall(GET)
    drained = asyncio.ensure_future(shield.door.drain(5.0))
    streams = [await asyncio.open_connection(sock=client) for client in clients]
    answers = await asyncio.gather(*(Client(*stream).read_all() for stream in streams))
    for _, writer in streams:
        writer.close()
    await drained
    # Those still in the kernel's queue stay there: the socket is the supervisor's too, and another worker takes them.
    assert {answer.split()[1] for answer in answers if answer} <= {b"200"}
    assert len(origin.heads) == sum(bool(answer) for answer in answers)


async def test_a_handshake_under_way_ends_with_an_answer(open_shield: Open, origin: RawOrigin, tmp_path: Path) -> None:
    """Under TLS a connection is known to the door only behind its handshake; it is waited for."""
    authority = Authority(tmp_path)
    shield = await open_shield(origin, tls=authority.server("site.example"))
    ours = socket.create_connection(("127.0.0.1", shield.port))
    await asyncio.sleep(0.1)
    drained = asyncio.ensure_future(shield.door.drain(5.0))
    await asyncio.sleep(0.1)
    reader, writer = await asyncio.open_connection(sock=ours, ssl=authority.client(), server_hostname="site.example")
    client = Client(reader, writer)
    client.send(GET.replace(b": s", b": site.example"))
    assert (await client.response())[1] == b"ok"
    await client.closed()
    await asyncio.wait_for(drained, 2)


async def test_who_says_nothing_holds_nobody_up(open_shield: Open, origin: RawOrigin, tmp_path: Path) -> None:
    """A connection without a request, or without a handshake, is given up after a moment, not after the whole drain."""
    authority = Authority(tmp_path)
    for tls in (None, authority.server("site.example")):
        shield = await open_shield(origin, tls=tls)
        client = await shield.connect()
        await asyncio.sleep(0.1)
        begun = time.monotonic()
        await asyncio.wait_for(shield.door.drain(60.0), 30)
        assert time.monotonic() - begun > 1.0
        await client.closed()
