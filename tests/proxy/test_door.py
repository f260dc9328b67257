"""The door: how many come in, how they leave when it closes, and what our own answers look like on the wire."""

from __future__ import annotations

import asyncio

from aiolimiter import AsyncLimiter

from shieldproxy.guard.replies import Reply
from tests.proxy.conftest import Open, RawOrigin, StartOrigin, answering_when, until

GET = b"GET / HTTP/1.1\r\nHost: s\r\n\r\n"
CLOSE = b"GET / HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n"


async def test_connections_are_capped_in_all(open_shield: Open, start_origin: StartOrigin) -> None:
    """Beyond max_connections a new one is closed before a byte is read, counted and told once; none that is busy ends."""
    answer = asyncio.Event()
    origin = await start_origin(script=answering_when(answer))
    shield = await open_shield(origin, terms={"max_connections": 2})
    busy = [await shield.connect() for _ in range(2)]
    for client in busy:
        client.send(GET)
    await until(lambda: origin.connections == 2)
    for _ in range(3):
        assert await shield.talk(GET) == b""
    assert shield.tallies.named["connections_refused"] == 3
    assert [failure for failure in shield.failures if "all 2 connections" in failure[1]]
    answer.set()
    for client in busy:
        assert (await client.response())[1] == b"ok"


async def test_idle_connections_make_room(open_shield: Open, origin: RawOrigin) -> None:
    """With all places taken, a newcomer is served at the expense of the connection that was idle longest."""
    shield = await open_shield(origin, terms={"max_connections": 3})
    clients = [await shield.connect() for _ in range(3)]
    for client in clients:
        client.send(GET)
        await client.response()
    newcomer = await shield.connect()
    newcomer.send(GET)
    assert (await newcomer.response())[1] == b"ok"
    assert await clients[0].read_all() == b""
    clients[2].send(GET)
    assert (await clients[2].response())[1] == b"ok"
    assert shield.door.open_connections == 3


async def test_the_origins_pace_is_kept_with_a_bounded_wait(open_shield: Open, origin: RawOrigin) -> None:
    """With a pace of two a second: two pass, one waits and passes, the next finds the line full: 503, Retry-After."""
    shield = await open_shield(origin, terms={"pace_wait": 1.0})
    shield.door.passage.pace(AsyncLimiter(2, 1.0), 3)
    answers = await asyncio.gather(*(shield.talk(CLOSE) for _ in range(6)))
    statuses = sorted(answer.split()[1] for answer in answers)
    assert statuses.count(b"200") >= 2
    assert statuses.count(b"503") >= 1
    assert all(b"Retry-After: " in answer for answer in answers if answer.split()[1] == b"503")


async def test_our_answers_have_length_date_and_no_body_for_head(open_shield: Open, origin: RawOrigin) -> None:
    """HEAD gets the head that GET would get, and nothing behind it."""
    shield = await open_shield(origin)
    reply = Reply(429, ((b"Retry-After", b"1"),), b"wait")
    whole = shield.door.serialise(reply, close=False, bodiless=False)
    assert whole.startswith(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 4\r\nDate: ")
    assert whole.endswith(b" GMT\r\n\r\nwait")
    headless = shield.door.serialise(reply, close=True, bodiless=True)
    assert headless.endswith(b" GMT\r\nConnection: close\r\n\r\n")
    answer = await shield.talk(b"HEAD /.shieldproxy/nothing HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert answer.endswith(b"\r\n\r\n")
