"""What stands between an admitted request and the pool: the line of people, and the site's pace."""

from __future__ import annotations

import asyncio
import time

from aiolimiter import AsyncLimiter

from shieldproxy.core.line import SECOND, Front
from shieldproxy.guard.appearance import Appearance
from shieldproxy.guard.phrasebook import Phrasebook
from shieldproxy.guard.waiting import WaitingRoom
from shieldproxy.state.keys import KeyRing
from shieldproxy.state.line import NodeLine, bytes_for
from tests.fakes.chance import CountedChance
from tests.proxy.conftest import Open, Shield, StartOrigin, answering_when, until

HEAD = b"GET /forms HTTP/1.1\r\nHost: s\r\nAccept: text/html\r\nUser-Agent: Mozilla/5.0\r\n"
PAGE, PICTURE = HEAD + b"\r\n", b"GET /logo.png HTTP/1.1\r\nHost: s\r\n\r\n"
FORM = (
    b"POST /letters HTTP/1.1\r\nHost: s\r\nOrigin: http://s\r\nAccept: text/html\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\nname=Ada"
)
ONE = {"max_connections": 1, "max_waiting": 0}


def give_room(shield: Shield) -> NodeLine:
    """Let people wait before ``shield``; return the line."""
    line = NodeLine(bytearray(bytes_for(1)))
    line.move(Front(int(time.time() * SECOND)), 1.0, opened=False)
    shield.door.passage._room = WaitingRoom(
        line,
        KeyRing((bytes(32),)),
        appearance=Appearance(),
        phrasebook=Phrasebook(),
        own_path="/.shieldproxy",
        seconds=600.0,
        clock=time.time,
        chance=CountedChance(),
    )
    shield.door.passage.turn(0)
    return line


def ticket_in(head: bytes) -> bytes:
    """Return the Cookie header for the ticket that an answer gave."""
    return b"Cookie: " + head.partition(b"Set-Cookie: ")[2].partition(b";")[0] + b"\r\n"


async def test_people_who_find_the_site_full_wait_and_come_in_turn(
    open_shield: Open, start_origin: StartOrigin
) -> None:
    """A page in place of an error; while they wait others do too; called, they are led in and stay in."""
    free = asyncio.Event()
    shield = await open_shield(await start_origin(script=answering_when(free)), origin_terms=ONE)
    line = give_room(shield)
    direct = shield.door.admit
    busy = await shield.connect()
    busy.send(PAGE)
    await until(lambda: shield.door.pool.open_connections == 1)
    second = await shield.connect()
    second.send(PAGE)
    head, body = await second.response()
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: " in head
    assert b"Your place in line: 1." in body
    assert shield.door.admit != direct
    free.set()
    assert (await busy.response())[1] == b"ok"
    third = await shield.connect()
    third.send(PAGE)
    late, body = await third.response()
    assert late.startswith(b"HTTP/1.1 503 ")
    assert b"Your place in line: 2." in body
    third.send(PICTURE)
    assert (await third.response())[1] == b"ok"
    line.move(Front(int(time.time() * SECOND)), 1.0, opened=True)
    second.send(HEAD + ticket_in(head) + b"\r\n")
    led, _ = await second.response()
    assert led.startswith(b"HTTP/1.1 303 ")
    assert b"\r\nLocation: /forms\r\n" in led
    second.send(HEAD + ticket_in(led) + b"\r\n")
    assert (await second.response())[1] == b"ok"
    line.move(Front(int(time.time() * SECOND)), 1.0, opened=False)
    shield.door.passage.turn(2)
    assert shield.door.admit == direct
    words = [record.challenge for record in shield.journal.records]
    assert words == ["waiting", "", "waiting", "", "let_in", ""]


async def test_a_form_is_kept_where_the_site_is_full(open_shield: Open, start_origin: StartOrigin) -> None:
    """The page has it, sealed; a picture reads a bare 503."""
    free = asyncio.Event()
    shield = await open_shield(await start_origin(script=answering_when(free)), origin_terms=ONE)
    give_room(shield)
    busy = await shield.connect()
    busy.send(PAGE)
    await until(lambda: shield.door.pool.open_connections == 1)
    writer = await shield.connect()
    writer.send(FORM)
    head, body = await writer.response()
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b'name="kept"' in body
    writer.send(PICTURE)
    head, body = await writer.response()
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"Set-Cookie" not in head
    assert b"\r\nRetry-After: " in head
    free.set()


async def test_the_line_hears_how_much_room_there_is(open_shield: Open, start_origin: StartOrigin) -> None:
    """Free connections and two seconds' worth of answers; with a pace no more than it lets through in two seconds."""
    shield = await open_shield(await start_origin(), origin_terms={"max_connections": 10, "max_waiting": 100})
    line = give_room(shield)
    shield.door.passage.turn(5)
    assert line.heard().room == 20
    shield.door.passage.turn(1_000)
    assert line.heard().room == 35
    shield.door.passage.pace(AsyncLimiter(3, 1.0), 5)
    shield.door.passage.turn(1_000)
    assert line.heard().room == 6


async def test_a_pace_without_a_queue_lets_those_through_who_keep_it(
    open_shield: Open, start_origin: StartOrigin
) -> None:
    """With no places to wait in, the first second's worth passes and the rest is told to come later."""
    shield = await open_shield(await start_origin())
    shield.door.passage.pace(AsyncLimiter(2, 60.0), 0)
    client = await shield.connect()
    statuses = []
    for _ in range(4):
        client.send(PICTURE)
        statuses.append((await client.response())[0].split()[1])
    assert statuses == [b"200", b"200", b"503", b"503"]
