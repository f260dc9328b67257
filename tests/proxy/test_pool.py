"""The pool: connections are shared, bounded, and given in turn."""

from __future__ import annotations

import asyncio

from tests.proxy.conftest import OK, Open, RawOrigin, StartOrigin

GET = b"GET / HTTP/1.1\r\nHost: s\r\n\r\n"
CLOSE = b"GET / HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n"


async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.1)
        writer.write(OK)


async def test_exchanges_beyond_the_bound_wait_their_turn(open_shield: Open, start_origin: StartOrigin) -> None:
    """Six clients over two connections: all are served, no third connection is made."""
    origin = await start_origin(script=slow)
    shield = await open_shield(origin, origin_terms={"max_connections": 2})
    answers = await asyncio.gather(*(shield.talk(CLOSE) for _ in range(6)))
    assert all(answer.endswith(b"ok") for answer in answers)
    assert origin.connections == 2


async def test_the_line_is_bounded_in_length_and_time(open_shield: Open, start_origin: StartOrigin) -> None:
    """Who finds the line full gets 503 with Retry-After at once; who waits too long gets it then."""

    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    origin = await start_origin(script=hang)
    shield = await open_shield(origin, origin_terms={"max_connections": 1, "max_waiting": 1, "connect": 0.3})
    first = await shield.connect()
    first.send(GET)
    await asyncio.sleep(0.1)
    assert not shield.door.pool.strained
    waiting = asyncio.ensure_future(shield.talk(CLOSE))
    await asyncio.sleep(0.05)
    assert shield.door.pool.strained
    refused = await shield.talk(CLOSE)
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: " in refused
    assert (await waiting).startswith(b"HTTP/1.1 503 ")


async def test_a_connection_idle_too_long_is_closed(open_shield: Open, origin: RawOrigin) -> None:
    """Kept connections end after ``idle``; the next request makes a new one."""
    shield = await open_shield(origin, origin_terms={"idle": 0.1})
    await shield.talk(CLOSE)
    await asyncio.sleep(1.2)
    assert shield.door.pool.open_connections == 0
    assert (await shield.talk(CLOSE)).endswith(b"ok")
    assert origin.connections == 2


async def test_an_origin_that_speaks_unasked_loses_its_connection(open_shield: Open, start_origin: StartOrigin) -> None:
    """Bytes on an idle connection would be taken for the next answer: the connection is closed instead."""

    async def chatty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")

    origin = await start_origin(script=chatty)
    shield = await open_shield(origin)
    client = await shield.connect()
    client.send(GET)
    await client.response()
    await asyncio.sleep(0.3)
    assert shield.door.pool.open_connections == 0
    client.send(GET)
    assert (await client.response())[1] == b"ok"


async def test_bytes_behind_an_answer_do_not_become_the_next_one(open_shield: Open, start_origin: StartOrigin) -> None:
    """An origin that sends more than it said is not trusted with another request on that connection."""
    origin = await start_origin(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    shield = await open_shield(origin)
    client = await shield.connect()
    for _ in range(2):
        client.send(GET)
        assert (await client.response())[1] == b"ok"
    assert origin.connections == 2
