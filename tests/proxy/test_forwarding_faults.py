"""Faults at the origin: each has its status and its side, none hangs, and all is well when the origin is."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from pathlib import Path

import pytest

from shieldproxy.proxy.pool import SURELY_OPEN
from tests.proxy.authority import Authority
from tests.proxy.conftest import OK, Open, RawOrigin, Script, StartOrigin, until

HOST = b"Host: site.example\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
CLOSE = b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"


def saying(*pieces: bytes, then: float = 0.0) -> Script:
    """Return a script that answers with ``pieces`` and closes after ``then`` seconds."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.02)
        await asyncio.sleep(then)

    return say


BROKEN = [
    ("a length that is not met", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"abc"),
    ("chunks without an end", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"3\r\nabc\r\n"),
    ("a chunk that is not whole", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"9\r\nabc"),
    ("a chunk that is none", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"3\r\nabc\r\nxyz\r\n"),
]


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
@pytest.mark.parametrize(("what", "head", "body"), BROKEN, ids=[row[0] for row in BROKEN])
async def test_a_broken_body_is_never_taken_for_a_whole_one(
    open_shield: Open, start_origin: StartOrigin, what: str, head: bytes, body: bytes, version: bytes
) -> None:
    """The client gets what came, and can see that it is not all: a length not met, no last chunk, or a reset."""
    shield = await open_shield(await start_origin(script=saying(head, body)))
    client = await shield.connect()
    client.send(b"GET / HTTP/" + version + b"\r\n" + HOST + b"\r\n")
    answer, reset = b"", False
    try:
        while piece := await asyncio.wait_for(client.reader.read(65_536), 5):
            answer += piece
    except ConnectionResetError:
        reset = True
    head, _, got = answer.partition(b"\r\n\r\n")
    if b"Content-Length: 9" in head:
        assert got == b"abc", what
    elif b"chunked" in head:
        assert b"abc" in got
        assert not got.endswith(b"0\r\n\r\n")
    else:
        assert reset
    await shield.settled()
    record = shield.journal.records[0]
    assert (record.status, record.side) == (200, "origin")


@pytest.mark.parametrize(
    ("what", "script", "status"),
    [
        ("silence before the head", saying(then=30), 504),
        ("silence within the head", saying(b"HTTP/1.1 200 OK\r\nX: ", then=30), 504),
        ("only interim answers", saying(b"HTTP/1.1 102 Processing\r\n\r\n", then=30), 504),
        ("an end within the head", saying(b"HTTP/1.1 200 OK\r\nX: "), 502),
        ("an end behind an interim answer", saying(b"HTTP/1.1 103 Early Hints\r\n\r\n"), 502),
        ("a status below 100", saying(b"HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n"), 502),
        ("a switch to nothing", saying(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), 502),
        ("HTTP/2", saying(b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"), 502),
        ("a page without a head", saying(b"<html>hello</html>"), 502),
        ("a bare LF", saying(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok"), 502),
        ("a folded field", saying(b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok"), 502),
        ("a control in a field", saying(b"HTTP/1.1 200 OK\r\nX: \x01\r\nContent-Length: 2\r\n\r\nok"), 502),
        ("a signed length", saying(b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok"), 502),
        ("a coding of another kind", saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok"), 502),
    ],
)
async def test_what_is_no_answer_has_a_status_of_ours(
    open_shield: Open, start_origin: StartOrigin, what: str, script: Script, status: int
) -> None:
    """502 for garbage and ends, 504 for silence; it is the origin's, and the next visitor is served as ever."""
    origin = await start_origin(script=script)
    shield = await open_shield(origin, origin_terms={"response": 0.2})
    answer = await shield.talk(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\nConnection: close\r\n\r\n")
    assert b"HTTP/1.1 %d " % status in answer, what
    assert answer.count(b"HTTP/1.1 5") == 1
    assert shield.journal.records[0].side == "origin"
    origin.script = None
    assert (await shield.talk(CLOSE)).endswith(b"ok")


async def test_a_body_that_stops_is_cut_in_time(open_shield: Open, start_origin: StartOrigin) -> None:
    """Half an answer and then silence: the client is let go after the response timeout, with half an answer."""
    origin = await start_origin(script=saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", then=30))
    shield = await open_shield(origin, origin_terms={"response": 0.2})
    answer = await shield.talk(GET)
    assert answer.endswith(b"abc")
    assert shield.journal.records[0].side == "origin"


async def test_a_slow_body_goes_on_as_long_as_it_moves(open_shield: Open, start_origin: StartOrigin) -> None:
    """The response timeout is for silence, not for the whole."""
    pieces = [b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n", *[b"x"] * 40]
    shield = await open_shield(await start_origin(script=saying(*pieces)), origin_terms={"response": 0.4})
    assert (await shield.talk(CLOSE)).endswith(b"x" * 40)


async def test_an_upload_the_origin_does_not_read_ends_in_time(open_shield: Open, start_origin: StartOrigin) -> None:
    """An origin that stops reading halfway is not waited for without end, nor is its connection kept."""

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(30)

    origin = await start_origin(script=deaf)
    shield = await open_shield(origin, origin_terms={"response": 0.3})
    client = await shield.connect()
    client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 100000000\r\n\r\n")
    pouring = asyncio.ensure_future(pour(client.writer))
    head, _ = await client.response()
    assert head.startswith(b"HTTP/1.1 504 ")
    pouring.cancel()
    await until(lambda: shield.door.pool.open_connections == 0)


async def pour(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(bytes(65_536))
            await writer.drain()


async def test_an_interim_answer_does_not_hurry_an_upload(open_shield: Open, start_origin: StartOrigin) -> None:
    """The origin's time runs when the request is whole, whatever it said before."""

    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
        await reader.readexactly(100_000)
        writer.write(OK)

    shield = await open_shield(await start_origin(script=early), origin_terms={"response": 0.2})
    client = await shield.connect()
    client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 100000\r\n\r\n")
    for _ in range(10):
        client.send(bytes(10_000))
        await asyncio.sleep(0.1)
    assert (await client.response())[0].startswith(b"HTTP/1.1 102 ")
    assert (await client.response())[1] == b"ok"


async def test_an_origin_that_comes_back_is_found_by_itself(open_shield: Open, start_origin: StartOrigin) -> None:
    """Down: 502 at once, each time. Up again: served, without anybody doing anything."""
    origin = await start_origin(OK)
    shield = await open_shield(origin)
    assert (await shield.talk(CLOSE)).endswith(b"ok")
    await origin.stop()
    for _ in range(3):
        assert (await shield.talk(CLOSE)).startswith(b"HTTP/1.1 502 ")
    await start_origin(OK, port=origin.port)
    assert (await shield.talk(CLOSE)).endswith(b"ok")
    assert shield.tallies.named["offences"] == 0


async def test_an_origin_that_hangs_up_at_once_is_502(open_shield: Open, start_origin: StartOrigin) -> None:
    """A connection that ends before anything was said costs one request its answer, and nobody their connection."""

    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    shield = await open_shield(await start_origin(script=close))
    client = await shield.connect()
    for _ in range(3):
        client.send(GET)
        assert (await client.response())[0].startswith(b"HTTP/1.1 502 ")
    await until(lambda: shield.door.pool.open_connections == 0)


async def test_a_form_is_not_sent_over_a_connection_that_may_be_dead(open_shield: Open, origin: RawOrigin) -> None:
    """What must not be sent twice goes over a fresh connection, or one that was in use a moment ago; a GET need not."""
    shield = await open_shield(origin)
    post = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\n\r\nx"
    client = await shield.connect()
    for request, connections in [(GET, 1), (post, 1), (GET, 1)]:
        client.send(request)
        await client.response()
        assert origin.connections == connections
    pool = shield.door.pool
    for kept in pool._idle:
        kept.deadline -= SURELY_OPEN + 0.1
    client.send(post)
    await client.response()
    assert origin.connections == 2
    for kept in pool._idle:
        kept.deadline -= SURELY_OPEN + 0.1
    client.send(GET)
    await client.response()
    assert origin.connections == 2


async def secure_origin(start_origin: StartOrigin, authority: Authority, name: str, lasts: dt.timedelta) -> RawOrigin:
    return await start_origin(OK, tls=authority.server(name, lasts))


@pytest.mark.parametrize(
    ("what", "name", "lasts", "status"),
    [
        ("a good certificate", "127.0.0.1", dt.timedelta(days=1), 200),
        ("one for another name", "other.example", dt.timedelta(days=1), 502),
        ("one that has expired", "127.0.0.1", dt.timedelta(days=-1), 502),
    ],
)
async def test_a_certificate_is_verified(
    open_shield: Open,
    start_origin: StartOrigin,
    tmp_path: Path,
    what: str,
    name: str,
    lasts: dt.timedelta,
    status: int,
) -> None:
    """An https origin is who its certificate says, or 502, with the reason for the operator and not for the visitor."""
    authority = Authority(tmp_path)
    origin = await secure_origin(start_origin, authority, name, lasts)
    shield = await open_shield(origin, origin_terms={"tls": authority.client()})
    answer = await shield.talk(CLOSE)
    assert answer.startswith(b"HTTP/1.1 %d " % status), what
    if status == 502:
        assert "certificate" in shield.failures[0][1]
        assert b"certificate" not in answer
        assert origin.received == b""


async def test_an_unknown_authority_is_nobodys_word(
    open_shield: Open, start_origin: StartOrigin, tmp_path: Path
) -> None:
    """A certificate of an authority we do not know is 502; unless the operator said that none is checked."""
    authority = Authority(tmp_path)
    origin = await secure_origin(start_origin, authority, "127.0.0.1", dt.timedelta(days=1))
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other").client()
    shield = await open_shield(origin, origin_terms={"tls": stranger})
    assert (await shield.talk(CLOSE)).startswith(b"HTTP/1.1 502 ")
    stranger.check_hostname = False
    stranger.verify_mode = stranger.verify_mode.CERT_NONE
    assert (await shield.talk(CLOSE)).endswith(b"ok")


async def test_a_handshake_that_hangs_is_504(open_shield: Open, start_origin: StartOrigin, tmp_path: Path) -> None:
    """An https origin that accepts and says nothing is waited for as long as any connection."""
    origin = await start_origin(script=saying(then=30))
    shield = await open_shield(origin, origin_terms={"tls": Authority(tmp_path).client(), "connect": 0.2})
    assert (await shield.talk(CLOSE)).startswith(b"HTTP/1.1 504 ")
    assert shield.journal.records[0].side == "origin"


async def test_a_machine_without_descriptors_says_that_it_is_our_fault(open_shield: Open, origin: RawOrigin) -> None:
    """No descriptor left for the origin: 503 with side=shield, and nothing of it counts against the origin."""

    async def exhausted(host: str, port: int) -> list[str]:
        raise OSError(24, "Too many open files")

    shield = await open_shield(origin, origin_terms={"host": "site.internal"}, resolver=exhausted)
    assert (await shield.talk(CLOSE)).startswith(b"HTTP/1.1 503 ")
    assert shield.journal.records[0].side == "shield"
    assert shield.door.pool.open_connections == 0
