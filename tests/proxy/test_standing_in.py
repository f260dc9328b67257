"""Standing in: what anybody may see stays up while the origin is down, and nobody sees what is another's."""

from __future__ import annotations

import asyncio
import gzip
import os

import pytest

from tests.proxy.conftest import Open, RawOrigin, Shield, StartOrigin, until

HOST = b"Host: site.example\r\n"
ON = {"stale_if_error": 60.0}
PAGE = (
    b"HTTP/1.1 200 Fine\r\nContent-Type: text/html\r\nX-B: 2\r\nX-A: 1\r\nDate: Wed, 25 Nov 2026 02:00:00 GMT\r\n"
    b'ETag: "7"\r\nContent-Length: 4\r\n\r\npage'
)


def get(path: bytes = b"/", *lines: bytes) -> bytes:
    """Return a request as a browser's on a connection of its own."""
    more = b"".join(line + b"\r\n" for line in lines)
    return b"GET %b HTTP/1.1\r\n%bUser-Agent: test\r\n%bConnection: close\r\n\r\n" % (path, HOST, more)


def status_of(answer: bytes) -> int:
    """Return the status of an answer."""
    return int(answer.split()[1])


def answer(status: bytes, body: bytes = b"oops", *lines: bytes) -> bytes:
    """Return an answer of an origin."""
    more = b"".join(line + b"\r\n" for line in lines)
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status, more, len(body), body)


async def shown_when_down(shield: Shield, origin: RawOrigin, asked: bytes, asked_later: bytes | None = None) -> bytes:
    """Return what a request gets when the origin went away after it was asked once."""
    assert status_of(await shield.talk(asked)) == 200
    await origin.stop()
    await until(lambda: shield.door.pool.open_connections == 0)
    return await shield.talk(asked_later or asked)


async def test_a_page_is_shown_as_it_was_while_the_origin_is_down(open_shield: Open, start_origin: StartOrigin) -> None:
    """Status, fields in their order, body; with its age, the word that it is a copy, and the ID of this request."""
    origin = await start_origin(PAGE)
    shield = await open_shield(origin, terms=ON)
    shown = await shown_when_down(shield, origin, get())
    head, _, body = shown.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[:6] == PAGE.split(b"\r\n")[:6]
    assert lines[6] == b"Age: 0"
    assert lines[7] == b"Cache-Status: shieldproxy; hit; detail=stale-if-error"
    assert lines[8:10] == [b"Content-Length: 4", b"Connection: close"]
    assert lines[10].startswith(b"X-Request-Id: ")
    assert len(lines) == 11
    assert b"Warning" not in head
    assert body == b"page"


async def test_it_is_written_down_counted_and_told(open_shield: Open, start_origin: StartOrigin) -> None:
    """The record has the side of the failure and says in words what was shown; the operator hears why."""
    origin = await start_origin(PAGE)
    shield = await open_shield(origin, terms=ON)
    shown = await shown_when_down(shield, origin, get())
    await shield.settled(2)
    first, second = shield.journal.records
    assert (first.status, first.side, first.reasons) == (200, "", ())
    assert (second.status, second.side, second.action) == (200, "origin", "admit")
    assert second.reasons[-1] == "served stale: a copy 0 s old, the origin failed (502)"
    assert second.bytes_out == len(shown)
    assert (shield.tallies.named["stale_kept"], shield.tallies.named["stale_served"]) == (1, 1)
    status, why = shield.failures[-1]
    assert status == 502
    assert why.endswith("; a copy was shown")


@pytest.mark.parametrize("status", [b"502 Bad Gateway", b"503 Service Unavailable", b"504 Gateway Timeout"])
async def test_an_origin_that_says_it_fails_is_stood_in_for(
    open_shield: Open, start_origin: StartOrigin, status: bytes
) -> None:
    """Its own error page is not shown, whole or chunked, and the next request asks it again."""
    origin = await start_origin(PAGE, answer(status), b"HTTP/1.1 " + status + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
    shield = await open_shield(origin, terms=ON)
    client = await shield.connect()
    for number in range(3):
        client.send(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        head, body = await client.response()
        assert (status_of(head), body) == (200, b"page")
        assert (b"Cache-Status" in head) is (number > 0)
    assert len(origin.heads) == 3


@pytest.mark.parametrize("status", [b"500 Internal Server Error", b"404 Not Found", b"403 Forbidden", b"301 Moved"])
async def test_other_answers_of_the_origin_pass(open_shield: Open, start_origin: StartOrigin, status: bytes) -> None:
    """They may be meant; a page that fails may fail for one visitor alone."""
    origin = await start_origin(PAGE, answer(status))
    shield = await open_shield(origin, terms=ON)
    await shield.talk(get())
    shown = await shield.talk(get())
    assert shown.startswith(b"HTTP/1.1 " + status)
    assert shown.endswith(b"oops")


async def test_an_origin_that_hangs_is_stood_in_for(open_shield: Open, start_origin: StartOrigin) -> None:
    """No answer in time, and no connection to be had in time."""
    answers = [PAGE]

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answers.pop() if answers else b"")
        await reader.read()

    origin = await start_origin(script=once)
    limits = {"response": 0.3, "max_connections": 1, "connect": 0.3}
    shield = await open_shield(origin, terms=ON, origin_terms=limits)
    assert status_of(await shield.talk(get())) == 200
    shown = await asyncio.gather(shield.talk(get()), shield.talk(get()))
    assert [answer.endswith(b"page") for answer in shown] == [True, True]
    assert all(b"Cache-Status" in answer for answer in shown)


@pytest.mark.parametrize(
    "line", [b"Cookie: a=b", b"Authorization: Basic eDp5", b"Range: bytes=0-1", b"Accept-Encoding: gzip"]
)
async def test_who_is_somebody_else_is_shown_nothing(open_shield: Open, start_origin: StartOrigin, line: bytes) -> None:
    """A stranger's copy is for strangers, and for those who understand the same encodings."""
    origin = await start_origin(PAGE)
    shield = await open_shield(origin, terms=ON)
    assert status_of(await shown_when_down(shield, origin, get(), get(b"/", line))) == 502


@pytest.mark.parametrize("line", [b"Cookie: a=b", b"Authorization: Basic eDp5", b"X-Original-URL: /admin"])
async def test_the_answer_to_somebody_in_particular_is_kept_for_nobody(
    open_shield: Open, start_origin: StartOrigin, line: bytes
) -> None:
    """Nor that to a request which could have made a site answer for another page."""
    origin = await start_origin(PAGE)
    shield = await open_shield(origin, terms=ON)
    assert status_of(await shown_when_down(shield, origin, get(b"/", line), get())) == 502
    assert "stale_kept" not in shield.tallies.named


@pytest.mark.parametrize("line", [b"Set-Cookie: a=b", b"Cache-Control: private", b"Vary: Accept-Language"])
async def test_what_the_origin_forbids_is_not_shown(open_shield: Open, start_origin: StartOrigin, line: bytes) -> None:
    """The rules are those of keepable; here they are asked."""
    origin = await start_origin(answer(b"200 OK", b"page", line))
    shield = await open_shield(origin, terms=ON)
    assert status_of(await shown_when_down(shield, origin, get())) == 502


async def test_without_the_key_nothing_is_kept(open_shield: Open, start_origin: StartOrigin) -> None:
    """The default."""
    origin = await start_origin(PAGE)
    shield = await open_shield(origin)
    assert status_of(await shown_when_down(shield, origin, get())) == 502
    assert shield.door.copies is None


async def test_bodies_are_kept_byte_for_byte(open_shield: Open, start_origin: StartOrigin) -> None:
    """Compressed ones, and chunked ones that come in many pieces; to HTTP/1.0 too."""
    body = gzip.compress(os.urandom(200_000))
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:1], body[1:90_000], body[90_000:]))
    fields = b"Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n"
    origin = await start_origin(
        b"HTTP/1.1 200 OK\r\n" + fields + b"Transfer-Encoding: chunked\r\n\r\n" + pieces + b"0\r\n\r\n"
    )
    shield = await open_shield(origin, terms=ON)
    asked = get(b"/", b"Accept-Encoding: gzip")
    shown = await shown_when_down(shield, origin, asked)
    head, _, found = shown.partition(b"\r\n\r\n")
    assert found == body
    assert b"\r\nContent-Length: %d\r\n" % len(body) in head
    assert b"chunked" not in head
    old = await shield.talk(asked.replace(b"HTTP/1.1", b"HTTP/1.0").replace(b"Connection: close\r\n", b""))
    assert old.partition(b"\r\n\r\n")[2] == body


async def test_an_answer_that_may_have_been_cut_is_not_kept(open_shield: Open, start_origin: StartOrigin) -> None:
    """One that ends with its connection, and one that ends before its length; what has begun is never replaced."""
    origin = await start_origin(
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf of it",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 400\r\n\r\nhalf of it",
    )
    shield = await open_shield(origin, terms=ON)
    assert b"half of it" in await shield.talk(get(b"/a"))
    cut = await shield.talk(get(b"/b"))
    assert b"Content-Length: 400\r\n" in cut
    assert cut.endswith(b"half of it")
    await origin.stop()
    for path in (b"/a", b"/b"):
        assert status_of(await shield.talk(get(path))) == 502


async def test_a_page_larger_than_any_copy_passes_and_is_not_kept(open_shield: Open, start_origin: StartOrigin) -> None:
    """Told by its length, or found out on the way."""
    body = bytes(100_000)
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    origin = await start_origin(answer(b"200 OK", body), chunked)
    shield = await open_shield(origin, terms={**ON, "stale_memory": 1 << 20})
    assert (await shield.talk(get())).endswith(body)
    assert (await shield.talk(get())).count(b"\0") == len(body)
    assert shield.tallies.named["stale_kept"] == 0


async def test_a_connection_goes_on_behind_a_copy(open_shield: Open, start_origin: StartOrigin) -> None:
    """Kept alive, pipelined, with a page that is kept and one that is not."""
    origin = await start_origin(PAGE)
    shield = await open_shield(origin, terms=ON)
    await shield.talk(get(b"/known"))
    await origin.stop()
    client = await shield.connect()
    for path in (b"/known", b"/other", b"/known"):
        client.send(b"GET %b HTTP/1.1\r\n%bUser-Agent: test\r\n\r\n" % (path, HOST))
    answers = [await client.response() for _ in range(3)]
    assert [status_of(head) for head, _ in answers] == [200, 502, 200]
    assert answers[2][1] == b"page"


async def test_the_shortest_way_is_taken_between_two_copies(open_shield: Open, start_origin: StartOrigin) -> None:
    """A page that many ask for is copied once a second, and read as quickly as ever in between."""
    origin = await start_origin(PAGE)
    shield = await open_shield(origin, terms=ON)
    client = await shield.connect()
    for _ in range(6):
        client.send(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        assert (await client.response())[1] == b"page"
    assert len(shield.door.pool.known_answers) == 1
    assert 1 <= shield.tallies.named["stale_kept"] <= 2


async def test_who_gave_up_a_place_in_the_line_is_shown_no_copy(open_shield: Open, start_origin: StartOrigin) -> None:
    """That is the client's doing, not the origin's."""
    release = asyncio.Event()

    async def held(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            asked = await reader.readuntil(b"\r\n\r\n")
            if b"/held" in asked:
                await release.wait()
            writer.write(PAGE)

    origin = await start_origin(script=held)
    shield = await open_shield(origin, terms=ON, origin_terms={"max_connections": 1})
    assert status_of(await shield.talk(get())) == 200
    first, second = await shield.connect(), await shield.connect()
    first.send(get(b"/held"))
    await asyncio.sleep(0.1)
    second.send(get())
    await asyncio.sleep(0.1)
    second.writer.write_eof()
    await asyncio.sleep(0.1)
    release.set()
    assert status_of(await first.read_all()) == 200
    assert status_of(await second.read_all()) == 503
