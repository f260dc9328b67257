"""Hostile clients: slow ones, silent ones, floods. Each ends in time, and whoever behaves is served meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import os

import pytest

from shieldproxy.supervisor import open_files
from tests.proxy.conftest import OK, Client, Open, RawOrigin, Shield, StartOrigin, answering_when, until

HOST = b"Host: site.example\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
CLOSE = b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
POST = b"POST / HTTP/1.1\r\n" + HOST

# Addresses of this machine, so that one test has several clients.
GOOD = "127.0.0.77"


async def trickle(client: Client, data: bytes, every: float = 0.05) -> None:
    """Send ``data`` again and again, byte by byte, until the other side has had enough."""
    with contextlib.suppress(ConnectionError):
        while not client.reader.at_eof():
            for byte in data:
                client.send(bytes([byte]))
                await asyncio.sleep(every)


SLOW = [
    ("a head", b"GET / HTTP/1.1\r\n" + HOST + b"X: ", b"a", b""),
    ("header lines", b"GET / HTTP/1.1\r\n" + HOST, b"X: y\r\n", b""),
    ("empty lines", b"\r\n", b"\r\n", b""),
    ("a body", POST + b"Content-Length: 1000\r\n\r\n", b"a", b"HTTP/1.1 408 "),
    ("a large body", POST + b"Content-Length: 100000000\r\n\r\n", b"a", b"HTTP/1.1 408 "),
    ("chunks of a byte", POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n", b"HTTP/1.1 408 "),
    ("an extension", POST + b"Transfer-Encoding: chunked\r\n\r\n1;", b"a", b"HTTP/1.1 408 "),
    ("trailers", POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n", b"HTTP/1.1 408 "),
    (
        "an answer to a challenge",
        b"POST /.shieldproxy/answer HTTP/1.1\r\n" + HOST + b"Content-Length: 99\r\n\r\n",
        b"a",
        b"HTTP/1.1 408 ",
    ),
]


@pytest.mark.parametrize(("what", "begin", "go_on", "answer"), SLOW, ids=[row[0] for row in SLOW])
async def test_a_trickle_ends(
    open_shield: Open, origin: RawOrigin, what: str, begin: bytes, go_on: bytes, answer: bytes
) -> None:
    """Whoever sends a byte now and then is let go in time, whatever the byte belongs to; a slow body is told so."""
    shield = await open_shield(origin, terms={"header": 0.4, "body_idle": 0.4})
    client = await shield.connect()
    client.send(begin)
    trickling = asyncio.ensure_future(trickle(client, go_on))
    heard = await asyncio.wait_for(client.read_all(), 8)
    assert heard.startswith(answer), what
    assert not answer or heard
    trickling.cancel()
    await until(lambda: shield.door.open_connections == 0 and shield.door.pool.open_connections <= 1)
    assert origin.heads == []


async def test_slow_senders_hold_no_connection_to_the_origin(open_shield: Open, origin: RawOrigin) -> None:
    """Fifty slow forms, and a good client beside them on an origin that has one connection."""
    shield = await open_shield(origin, origin_terms={"max_connections": 1})
    for _ in range(50):
        client = await shield.connect()
        client.send(POST + b"Content-Length: 100\r\n\r\n" + b"a" * 99)
    good = await shield.connect(source=GOOD)
    good.send(GET)
    assert (await good.response())[1] == b"ok"
    assert origin.connections == 1


async def test_one_client_cannot_hold_all_connections_to_the_origin(
    open_shield: Open, start_origin: StartOrigin
) -> None:
    """A hundred large uploads that go on slowly take half of the origin's connections, not all of them."""
    origin = await start_origin(OK)
    shield = await open_shield(origin, origin_terms={"max_connections": 32})
    for _ in range(100):
        client = await shield.connect()
        client.send(POST + b"Content-Length: 1000000\r\n\r\n" + b"a" * 1_000)
    await until(lambda: shield.door.pool.open_connections >= 16)
    await asyncio.sleep(0.2)
    assert shield.door.pool.open_connections == 16
    good = await shield.connect(source=GOOD)
    for _ in range(3):
        good.send(GET)
        assert (await good.response())[1] == b"ok"


async def test_who_waits_in_line_longest_is_not_passed_by_one_who_has_enough(
    open_shield: Open, start_origin: StartOrigin
) -> None:
    """With all connections in use, the next free one goes to a client that holds few, whoever came first."""
    answer = asyncio.Event()
    origin = await start_origin(script=answering_when(answer))
    shield = await open_shield(origin, origin_terms={"max_connections": 16})
    greedy = [await shield.connect() for _ in range(40)]
    for client in greedy:
        client.send(GET)
    await until(lambda: origin.connections == 8)
    modest = [await shield.connect(source=f"127.0.0.{number}") for number in range(80, 100)]
    for client in modest:
        client.send(GET)
    await until(lambda: origin.connections == 16)
    held = shield.door.pool._held
    assert held["127.0.0.1"] == 8
    assert len(held) == 9
    answer.set()
    for client in (*modest, *greedy):
        assert (await client.response())[1] == b"ok"
    await until(lambda: not shield.door.pool._held)


async def test_websockets_of_one_client_leave_room_for_others(open_shield: Open, start_origin: StartOrigin) -> None:
    """Tunnels are counted apart: pages come through however many there are, and one client has a part of them."""

    async def switch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"Upgrade" not in head:
            writer.write(OK)
            return
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
        await reader.read()

    origin = await start_origin(script=switch)
    shield = await open_shield(origin, origin_terms={"max_connections": 32})
    upgrade = GET[:-2] + b"Connection: Upgrade\r\nUpgrade: x\r\n\r\n"
    heads = []
    for _ in range(40):
        client = await shield.connect()
        client.send(upgrade)
        heads.append((await client.response())[0].split()[1])
    assert heads.count(b"101") == 16
    assert heads.count(b"503") == 24
    good = await shield.connect(source=GOOD)
    good.send(GET)
    assert (await good.response())[1] == b"ok"
    other = await shield.connect(source=GOOD)
    other.send(upgrade)
    assert (await other.response())[0].startswith(b"HTTP/1.1 101 ")
    assert shield.door.pool.tunnels == 17


async def test_who_does_not_read_a_large_answer_is_let_go(open_shield: Open, start_origin: StartOrigin) -> None:
    """A reader that stops holds its connection, and that to the origin, no longer than ``write``."""
    body = bytes(64 << 20)
    origin = await start_origin(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    shield = await open_shield(origin, terms={"write": 0.4})
    client = await shield.connect(receive_buffer=4_096)
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    client.send(GET)
    await shield.settled()
    assert shield.journal.records[0].side == "client"
    await until(lambda: shield.door.open_connections == 0 and shield.door.pool.open_connections == 0)


async def test_who_does_not_read_a_page_and_sends_on_is_let_go(open_shield: Open, start_origin: StartOrigin) -> None:
    """Asking for more does not put off the end of a client that takes nothing."""
    body = bytes(8 << 20)
    origin = await start_origin(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    shield = await open_shield(origin, terms={"write": 0.4})
    client = await shield.connect(receive_buffer=4_096)
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    client.send(GET)
    asking = asyncio.ensure_future(trickle(client, GET, 0.01))
    await until(lambda: shield.door.open_connections == 0)
    asking.cancel()


async def test_who_does_not_read_the_last_answer_is_let_go(open_shield: Open, start_origin: StartOrigin) -> None:
    """An answer that fits our buffer is nobody's to hold for ever: the end of a closing connection has its time too."""
    body = bytes(8 << 20)
    origin = await start_origin(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    shield = await open_shield(origin, terms={"write": 0.4, "buffer": 16 << 20})
    client = await shield.connect(receive_buffer=4_096)
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    client.send(CLOSE)
    await shield.settled()
    assert shield.journal.records[0].side == ""
    await until(lambda: shield.door.open_connections == 0)


async def test_a_slow_but_honest_reader_gets_all(open_shield: Open, start_origin: StartOrigin) -> None:
    """A reader that takes a piece now and then is no hostile one, however long it takes."""
    body = os.urandom(1 << 20)
    origin = await start_origin(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    shield = await open_shield(origin, terms={"write": 1.0, "idle": 1.0, "buffer": 262_144})
    client = await shield.connect(limit=4_096, receive_buffer=4_096)
    client.send(CLOSE)
    await client.reader.readuntil(b"\r\n\r\n")
    got = b""
    while len(got) < len(body):
        got += await client.reader.read(24_576)
        await asyncio.sleep(0.02)
    assert got == body


async def test_half_open_connections_end(open_shield: Open, start_origin: StartOrigin) -> None:
    """A FIN and then nothing: idle at once, an answer under way when it is sent, an upload when it breaks off."""
    answer = asyncio.Event()
    shield = await open_shield(await start_origin(script=answering_when(answer)))
    for data in (b"", b"GET / HT", GET, POST + b"Content-Length: 9\r\n\r\nabc"):
        client = await shield.connect()
        client.send(data)
        client.writer.write_eof()
    await until(lambda: shield.door.open_connections == 1)
    answer.set()
    await until(lambda: shield.door.open_connections == 0)


async def test_a_flood_of_resets_leaves_nothing_behind(open_shield: Open, start_origin: StartOrigin) -> None:
    """Five hundred clients that ask and vanish: no connection, no place in a line and no waiting request is left."""

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(0.01)
            writer.write(OK)

    shield = await open_shield(await start_origin(script=slow), origin_terms={"max_connections": 8, "max_waiting": 16})
    for number in range(500):
        client = await shield.connect(source=f"127.0.1.{number % 250 + 1}")
        client.send(GET if number % 2 else POST + b"Content-Length: 10\r\n\r\nabc")
        if number % 3:
            await asyncio.sleep(0.001)
        if number % 5:
            client.reset()
        else:
            client.close()
    await until(lambda: shield.door.open_connections == 0)
    pool = shield.door.pool
    await until(lambda: not pool._held and not pool._waiting and not pool._connecting)
    good = await shield.connect(source=GOOD)
    good.send(GET)
    assert (await good.response())[1] == b"ok"


async def test_those_who_left_take_no_place_in_the_line(open_shield: Open, start_origin: StartOrigin) -> None:
    """A line full of clients that are gone is an empty line."""
    answer = asyncio.Event()
    origin = await start_origin(script=answering_when(answer))
    shield = await open_shield(origin, origin_terms={"max_connections": 1, "max_waiting": 8, "connect": 5.0})
    first = await shield.connect()
    first.send(GET)
    await until(lambda: origin.connections == 1)
    gone = [await shield.connect(source=f"127.0.0.{number}") for number in range(10, 18)]
    for client in gone:
        client.send(GET)
    await until(lambda: len(shield.door.pool._waiting) == 8)
    for client in gone:
        client.reset()
    await until(lambda: shield.door.open_connections == 1)
    good = await shield.connect(source=GOOD)
    good.send(GET)
    await until(lambda: len(shield.door.pool._waiting) == 1)
    answer.set()
    assert (await good.response())[1] == b"ok"


async def test_a_flood_at_a_full_house_costs_little_and_newcomers_come_in(open_shield: Open, origin: RawOrigin) -> None:
    """Silent connections far beyond all places: the oldest of them go, and a good client is served each time."""
    shield = await open_shield(origin, terms={"max_connections": 200, "max_connections_per_client": 10_000})
    flood: list[Client] = []
    for round_ in range(5):
        flood.extend([await shield.connect() for _ in range(150)])
        good = await shield.connect(source=f"127.0.0.{100 + round_}")
        good.send(GET)
        assert (await good.response())[1] == b"ok"
        assert shield.door.open_connections <= 200
    assert len(flood) == 750


async def test_thousands_hang_and_a_good_client_is_served(open_shield: Open, origin: RawOrigin) -> None:
    """Idle ones, slow heads and slow bodies by the hundred on one door: a good client has its page every time."""
    # Both ends of each are files of this process; a shell begins with 1,024.
    count = min(1_200, (open_files.allow(3_000) - 500) // 2)
    shield = await open_shield(origin, terms={"max_connections_per_client": 1 << 20})
    await hang(shield, count)
    assert shield.door.open_connections == count
    good = await shield.connect(source=GOOD)
    for _ in range(100):
        good.send(GET)
        assert (await good.response())[1] == b"ok"
    for _ in range(20):
        assert (await shield.talk(CLOSE)).endswith(b"ok")


async def hang(shield: Shield, count: int) -> None:
    """Open ``count`` connections of every hanging kind."""
    kinds = (b"", b"GET / HTTP/1.1\r\nX: ", POST + b"Content-Length: 9\r\n\r\nabc", GET)
    for number in range(count):
        client = await shield.connect()
        client.send(kinds[number % len(kinds)])
