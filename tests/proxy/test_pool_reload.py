"""The pool after a reload: another origin is asked from then on, and who is being answered is answered to the end."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from shieldproxy.proxy.terms import OriginTerms
from tests.proxy.conftest import OK, Open, RawOrigin, Shield, StartOrigin

GET = b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"
NEW = OK.replace(b"\r\n\r\nok", b"\r\n\r\nNO")


def to(origin: RawOrigin) -> OriginTerms:
    """Return the terms of an origin."""
    return OriginTerms(host="127.0.0.1", port=origin.port)


async def body(shield: Shield) -> bytes:
    """Return what a new client is answered."""
    client = await shield.connect()
    client.send(GET)
    return (await client.response())[1]


async def test_the_next_request_goes_to_the_new_origin(open_shield: Open, start_origin: StartOrigin) -> None:
    """An idle connection to the old one is not used again."""
    old, new = await start_origin(OK), await start_origin(NEW)
    shield = await open_shield(old)
    assert await body(shield) == b"ok"
    shield.door.pool.adopt(to(new))
    assert await body(shield) == b"NO"
    assert (len(old.heads), len(new.heads)) == (1, 1)


async def test_who_is_being_answered_is_answered_by_the_old_one(open_shield: Open, start_origin: StartOrigin) -> None:
    """The exchange ends where it began; its connection is closed then and not given to the next."""
    asked, answer = asyncio.Event(), asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await answer.wait()
        writer.write(OK)
        assert await reader.read() == b""

    old, new = await start_origin(script=slow), await start_origin(NEW)
    shield = await open_shield(old)
    client = await shield.connect()
    client.send(GET)
    await asyncio.wait_for(asked.wait(), 5)
    shield.door.pool.adopt(to(new))
    answer.set()
    assert (await client.response())[1] == b"ok"
    client.send(GET)
    assert (await client.response())[1] == b"NO"


async def test_the_same_origin_keeps_its_connections(open_shield: Open, origin: RawOrigin) -> None:
    """Other times and sizes hold at once; nothing has to be connected anew for them."""
    shield = await open_shield(origin)
    assert await body(shield) == b"ok"
    shield.door.pool.adopt(replace(to(origin), response=1.0, max_connections=1))
    assert await body(shield) == b"ok"
    assert origin.connections == 1
    assert shield.door.pool.response_timeout == 1.0


async def test_how_long_the_origin_took_is_counted_once_an_answer(open_shield: Open, start_origin: StartOrigin) -> None:
    """From the end of the request to the head of the answer, in microseconds; our own answers count none."""

    async def after_a_while(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.05)
        writer.write(OK)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)

    shield = await open_shield(await start_origin(script=after_a_while))
    client = await shield.connect()
    for _ in range(2):
        client.send(GET)
        await client.response()
    client.send(GET.replace(b"GET /", b"GET /.shieldproxy/nothing"))
    await client.response()
    slow, quick = shield.tallies.origin_durations
    assert slow >= 45_000
    assert 0 < quick < slow
