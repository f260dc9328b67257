"""Known answers: the same bytes to the client as if each answer had been read and written anew."""

from __future__ import annotations

import re

import pytest

from shieldproxy.proxy.known_answers import LONGEST, MEMORY, KnownAnswers
from tests.proxy.conftest import Client, Open, StartOrigin

GET = b"GET / HTTP/1.1\r\nHost: s\r\n\r\n"
PAGE = (
    b"HTTP/1.1 200 OK\r\nServer: o\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Request-Id: theirs\r\nKeep-Alive: 5\r\n"
    b"Content-Length: 5\r\nETag: x\r\n\r\n"
)


async def ask(client: Client, data: bytes = GET) -> tuple[bytes, bytes]:
    client.send(data)
    return await client.response()


def nameless(head: bytes) -> bytes:
    return re.sub(rb"X-Request-Id: [^\r]+", b"X-Request-Id: ?", head)


async def test_the_fifth_answer_reads_as_the_first(open_shield: Open, start_origin: StartOrigin) -> None:
    """Equal heads with different bodies: every head is the first but for its ID, every body its own."""
    origin = await start_origin(*[PAGE + b"page%d" % number for number in range(6)])
    shield = await open_shield(origin)
    client = await shield.connect()
    answers = [await ask(client) for _ in range(6)]
    assert len({nameless(head) for head, _ in answers}) == 1
    assert [body for _, body in answers] == [b"page%d" % number for number in range(6)]
    assert len(shield.door.pool.known_answers) == 1
    assert b"theirs" not in answers[-1][0]
    assert b"Keep-Alive" not in answers[-1][0]
    ids = [record.id.encode() for record in shield.journal.records]
    assert [re.search(rb"X-Request-Id: ([^\r]+)", head)[1] for head, _ in answers] == ids  # type: ignore[index]
    first, last = shield.journal.records[0], shield.journal.records[-1]
    assert (first.status, first.bytes_out, first.side) == (last.status, last.bytes_out, last.side)
    assert origin.connections == 1


@pytest.mark.parametrize(
    ("what", "request_bytes", "answer"),
    [
        ("an old client", b"GET / HTTP/1.0\r\nHost: s\r\nConnection: keep-alive\r\n\r\n", PAGE + b"page1"),
        ("HEAD", b"HEAD / HTTP/1.1\r\nHost: s\r\n\r\n", PAGE),
        ("more than it said", GET, PAGE + b"page1" + b"surplus"),
        ("less than it said", GET, PAGE + b"pa"),
    ],
)
async def test_other_circumstances_are_looked_at(
    open_shield: Open, start_origin: StartOrigin, what: str, request_bytes: bytes, answer: bytes
) -> None:
    """A head that is known from plain answers does not answer for another client, method or length."""
    origin = await start_origin(*[PAGE + b"page0"] * 3, answer)
    shield = await open_shield(origin)
    client = await shield.connect()
    for _ in range(3):
        await ask(client)
    client.send(request_bytes)
    head = await client.reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n"), what
    assert (b"keep-alive" in head) == (what == "an old client")
    if what == "less than it said":
        assert await client.reader.readexactly(2) == b"pa"
    elif what != "HEAD":
        assert await client.reader.readexactly(5) == b"page1"
    assert shield.door.pool.open_connections == (0 if what == "more than it said" else 1)


async def test_a_switch_of_the_origin_to_garbage_is_seen(open_shield: Open, start_origin: StartOrigin) -> None:
    """Known answers before do not make a broken one whole."""
    origin = await start_origin(*[PAGE + b"page0"] * 3, PAGE.replace(b"ETag: x", b"ETag: x\x00") + b"page1")
    shield = await open_shield(origin)
    client = await shield.connect()
    for _ in range(3):
        await ask(client)
    head, _ = await ask(client)
    assert head.startswith(b"HTTP/1.1 502 ")


def test_the_memory_is_bounded_and_takes_what_comes_twice() -> None:
    """One sight remembers nothing, long heads are never kept, and many heads turn it over."""
    known = KnownAnswers()
    fields = [(b"content-length", b"Content-Length", b"2")]

    def sight(head: bytes) -> None:
        known.learn(head + b"\r\n\r\nok", 200, b"OK", fields, 2)

    sight(b"HTTP/1.1 200 OK\r\nA: 1")
    assert known.find(b"HTTP/1.1 200 OK\r\nA: 1\r\n\r\nok") is None
    sight(b"HTTP/1.1 200 OK\r\nA: 1")
    found = known.find(b"HTTP/1.1 200 OK\r\nA: 1\r\n\r\nok")
    assert found is not None
    assert found[1] == b"ok"
    for _ in range(2):
        sight(b"HTTP/1.1 200 OK\r\nA: " + b"a" * LONGEST)
    assert len(known) == 1
    for number in range(3 * MEMORY):
        sight(b"HTTP/1.1 200 OK\r\nA: %d" % number)
        sight(b"HTTP/1.1 200 OK\r\nA: %d" % number)
    assert 0 < len(known) <= MEMORY
