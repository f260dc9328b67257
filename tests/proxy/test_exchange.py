"""Exchanges on the wire: what comes back from the origin comes through, and every exchange is written down once."""

from __future__ import annotations

import asyncio
import hashlib
import re
from urllib.parse import quote

import pytest

from shieldproxy.core.buckets import Limit, Scope
from shieldproxy.core.facts import Posture
from shieldproxy.core.policy import ChallengePolicy, Policy
from shieldproxy.core.verdict import Action, Mode
from tests.proxy.conftest import OK, Client, Open, RawOrigin, StartOrigin

HOST = b"Host: site.example\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
CLOSE = b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"


ANSWERS = [
    # (what, the origin's bytes, method, the body the client must see)
    ("a length", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", b"GET", b"abc"),
    (
        "chunks",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\nT: x\r\n\r\n",
        b"GET",
        b"abc",
    ),
    ("until the end", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc", b"GET", b"abc"),
    ("HTTP/1.0", b"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nabc", b"GET", b"abc"),
    ("no body, 204", b"HTTP/1.1 204 No Content\r\n\r\n", b"GET", b""),
    ("no body, 304", b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n', b"GET", b""),
    ("a head for HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", b"HEAD", b""),
    ("an empty body", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"GET", b""),
]


@pytest.mark.parametrize(("what", "answer", "method", "body"), ANSWERS, ids=[row[0] for row in ANSWERS])
async def test_every_way_to_end_a_body_comes_through(
    open_shield: Open, start_origin: StartOrigin, what: str, answer: bytes, method: bytes, body: bytes
) -> None:
    """Whatever framing the origin uses, the client sees the same body, and the connection serves the next request."""
    origin = await start_origin(answer)
    shield = await open_shield(origin)
    client = await shield.connect()
    for _ in range(2):
        client.send(method + GET[3:])
        if method == b"HEAD":
            head = await asyncio.wait_for(client.reader.readuntil(b"\r\n\r\n"), 5)
            assert b"Content-Length: 3" in head
        else:
            head, got = await client.response()
            assert got == body
        assert b"X-Request-Id: " in head
    await shield.settled(2)
    assert what


async def test_early_hints_come_before_the_answer(open_shield: Open, start_origin: StartOrigin) -> None:
    """103 passes to an HTTP/1.1 client; an HTTP/1.0 client would not know it and does not get it."""
    answer = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + OK
    origin = await start_origin(answer)
    shield = await open_shield(origin)
    assert (await shield.talk(CLOSE)).startswith(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200")
    assert (await shield.talk(b"GET / HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200")


async def test_the_first_byte_comes_through_at_once(open_shield: Open, start_origin: StartOrigin) -> None:
    """A stream of events reaches the client event by event, not at its end."""
    done = asyncio.Event()

    async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"5\r\nfirst\r\n")
        await done.wait()
        writer.write(b"0\r\n\r\n")

    origin = await start_origin(script=stream)
    shield = await open_shield(origin)
    client = await shield.connect()
    client.send(GET)
    await asyncio.wait_for(client.reader.readuntil(b"first\r\n"), 5)
    done.set()
    assert await asyncio.wait_for(client.reader.readuntil(b"0\r\n\r\n"), 5)


async def transfer(client: Client, size: int) -> str:
    digest = hashlib.sha256()
    while size:
        piece = await client.reader.read(min(size, 1 << 18))
        assert piece
        digest.update(piece)
        size -= len(piece)
    return digest.hexdigest()


async def test_a_large_body_comes_whole_through_small_buffers(open_shield: Open, start_origin: StartOrigin) -> None:
    """32 MiB down to a client that reads slowly at first: every byte, and the origin is held back meanwhile."""
    block = bytes(range(256)) * 256
    count = 512
    sent = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(block) * count))
        for _ in range(count):
            writer.write(block)
            await writer.drain()
            sent += len(block)

    origin = await start_origin(script=pour)
    shield = await open_shield(origin)
    client = await shield.connect(limit=1 << 16)
    client.send(GET)
    await client.reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(0.3)
    # What lies between origin and client is the kernel's buffers and ours, not the body.
    assert sent < 24 << 20
    assert await transfer(client, len(block) * count) == hashlib.sha256(block * count).hexdigest()
    await shield.settled()
    assert shield.journal.records[0].bytes_out > len(block) * count


async def test_a_large_upload_comes_whole_while_the_origin_reads_slowly(
    open_shield: Open, start_origin: StartOrigin
) -> None:
    """16 MiB up to an origin that sleeps first: every byte, and the client is held back meanwhile."""
    block = bytes(range(256)) * 256
    count = 256
    received = hashlib.sha256()

    async def drink(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.3)
        for _ in range(count):
            received.update(await reader.readexactly(len(block)))
        writer.write(OK)

    origin = await start_origin(script=drink)
    shield = await open_shield(origin)
    client = await shield.connect()
    client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % (len(block) * count))
    for _ in range(count):
        client.send(block)
        await asyncio.wait_for(client.writer.drain(), 10)
    assert (await client.response())[1] == b"ok"
    assert received.hexdigest() == hashlib.sha256(block * count).hexdigest()
    assert shield.journal.records[0].bytes_in == len(block) * count


FAULTS = [
    ("nothing listens", None, 502),
    ("garbage", b"SSH-2.0-OpenSSH\r\n\r\n", 502),
    ("two lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", 502),
    (
        "a length and chunks",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        502,
    ),
    ("an end before the head", b"", 502),
    ("an endless head", b"HTTP/1.1 200 OK\r\nA: " + b"a" * 100_000, 502),
    (
        "a switch nobody asked for",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        502,
    ),
]


@pytest.mark.parametrize(("what", "answer", "status"), FAULTS, ids=[row[0] for row in FAULTS])
async def test_a_broken_origin_is_named_and_never_counts_against_the_client(
    open_shield: Open, start_origin: StartOrigin, what: str, answer: bytes | None, status: int
) -> None:
    """502 with our page, side=origin in the record, no offence, and the operator is told why."""
    origin = await start_origin(*([] if answer is None else [answer]))
    if answer is None:
        await origin.stop()
    shield = await open_shield(origin)
    reply = await shield.talk(CLOSE)
    assert reply.startswith(b"HTTP/1.1 %d " % status), what
    record = shield.journal.records[0]
    assert (record.action, record.status, record.side) == ("admit", status, "origin")
    assert shield.failures[0][0] == status
    assert shield.tallies.named["offences"] == 0


async def test_an_origin_that_does_not_answer_is_504(open_shield: Open, start_origin: StartOrigin) -> None:
    """Silence ends in time with 504."""

    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    origin = await start_origin(script=hang)
    shield = await open_shield(origin, origin_terms={"response": 0.2})
    assert (await shield.talk(CLOSE)).startswith(b"HTTP/1.1 504 ")
    assert shield.journal.records[0].side == "origin"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n",
    ],
)
async def test_a_body_cut_off_is_seen_as_cut_off(open_shield: Open, start_origin: StartOrigin, answer: bytes) -> None:
    """The client must not take half a body for a whole one: no final chunk, no full length, a connection that ends."""
    origin = await start_origin(answer)
    shield = await open_shield(origin)
    reply = await shield.talk(GET)
    assert b"abc" in reply or reply == b""
    assert not reply.endswith(b"0\r\n\r\n")
    await shield.settled()
    assert shield.journal.records[0].side == "origin"


async def test_an_idle_connection_that_died_is_tried_once_more(open_shield: Open, start_origin: StartOrigin) -> None:
    """GET on a kept connection that the origin closed goes out once more on a new one; a POST does not."""
    seen: list[bytes] = []

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK)
        await writer.drain()
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        # The second request on this connection dies with it, as when an idle timeout meets a new request.

    origin = await start_origin(script=once)
    shield = await open_shield(origin)
    client = await shield.connect()
    for _ in range(2):
        client.send(GET)
        assert (await client.response())[1] == b"ok"
    assert len(seen) == 3
    client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n")
    assert (await client.response())[0].startswith(b"HTTP/1.1 502 ")


async def test_an_answer_before_the_end_of_the_request_ends_both(open_shield: Open, start_origin: StartOrigin) -> None:
    """An origin that refuses an upload halfway is heard; the rest of the upload is not taken for a request."""
    origin = await start_origin(script=refuse_early)
    shield = await open_shield(origin)
    client = await shield.connect()
    client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 100000\r\n\r\nabc")
    head, _ = await client.response()
    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"Connection: close" in head
    client.send(GET)
    assert await client.read_all() == b""
    await shield.settled()


async def refuse_early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()
    await reader.read()


async def test_a_client_that_leaves_is_recorded_and_frees_the_origin(
    open_shield: Open, start_origin: StartOrigin
) -> None:
    """A client gone before the answer: 499, side=client, and the origin's connection is not left hanging."""
    gone = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.read() == b""
        gone.set()

    origin = await start_origin(script=wait)
    shield = await open_shield(origin)
    client = await shield.connect()
    client.send(GET)
    await asyncio.sleep(0.1)
    client.reset()
    await asyncio.wait_for(gone.wait(), 5)
    await shield.settled()
    assert (shield.journal.records[0].status, shield.journal.records[0].side) == (499, "client")


async def test_observe_lets_everything_pass_and_says_what_it_would_have_done(
    open_shield: Open, origin: RawOrigin
) -> None:
    """In observe mode a client far beyond its limit is served; the record has the verdict and enforced=false."""
    limit = Limit("client", Scope.CLIENT, 0.1, 1, Action.THROTTLE)
    shield = await open_shield(origin, policy=Policy(limits=(limit,), mode=Mode.OBSERVE))
    client = await shield.connect()
    for _ in range(2):
        client.send(GET)
        assert (await client.response())[1] == b"ok"
    assert [(record.action, record.enforced) for record in shield.journal.records] == [
        ("admit", False),
        ("throttle", False),
    ]


async def test_a_refused_upload_is_read_a_little_so_that_the_answer_arrives(
    open_shield: Open, origin: RawOrigin
) -> None:
    """A 429 to a POST whose body is still coming reaches the client, though the body is thrown away."""
    limit = Limit("client", Scope.CLIENT, 0.1, 1, Action.THROTTLE)
    shield = await open_shield(origin, policy=Policy(limits=(limit,)))
    client = await shield.connect()
    client.send(GET)
    await client.response()
    client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 100000\r\n\r\n")
    head, _ = await client.response()
    assert head.startswith(b"HTTP/1.1 429 ")
    client.send(b"x" * 50_000)
    assert await client.read_all() == b""
    assert len(origin.heads) == 1


async def test_own_paths_never_reach_the_origin(open_shield: Open, origin: RawOrigin) -> None:
    """Whatever lies under /.shieldproxy/ is answered here, also what we do not know, also with a body too long."""
    shield = await open_shield(origin)
    for request, status in [
        (b"GET /.shieldproxy/nothing HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n", 404),
        (b"GET /.shieldproxy/answer HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n", 405),
        (
            b"POST /.shieldproxy/answer HTTP/1.1\r\n"
            + HOST
            + b"Content-Length: 70000\r\nConnection: close\r\n\r\n"
            + b"x" * 70_000,
            413,
        ),
    ]:
        assert (await shield.talk(request)).startswith(b"HTTP/1.1 %d " % status), request
    assert origin.connections == 0


async def test_a_challenged_form_is_awaited_kept_and_sent_on(open_shield: Open, origin: RawOrigin) -> None:
    """The door waits for a short form before it shows the page that keeps it; after the check the origin gets it whole."""
    every = Policy(challenge=ChallengePolicy(suspicion=((Posture.CALM, 0),), form_wait=0.0))
    shield = await open_shield(origin, policy=every)
    client = await shield.connect()
    head = b"Accept: text/html\r\nUser-Agent: Mozilla/5.0\r\nSec-Fetch-Site: same-origin\r\n"
    form = head + b"Content-Type: application/x-www-form-urlencoded\r\n"
    client.send(b"POST /apply HTTP/1.1\r\n" + HOST + form + b"Expect: 100-continue\r\nContent-Length: 7\r\n\r\n")
    assert (await asyncio.wait_for(client.reader.readuntil(b"\r\n\r\n"), 5)).startswith(b"HTTP/1.1 100 ")
    client.send(b"a=1&b=2")
    answer, page = await client.response()
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert origin.connections == 0
    fields = re.findall(rb'name="(token|to|kept)" value="([^"]*)"', page)
    body = b"&".join(name + b"=" + quote(value).encode() for name, value in fields)
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    client.send(b"POST /.shieldproxy/continue HTTP/1.1\r\n" + HOST + form + length + body)
    answer, page = await client.response()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b'name="a" value="1"><input type="hidden" name="b" value="2"' in page
    cookie = answer.partition(b"Set-Cookie: ")[2].partition(b";")[0]
    client.send(
        b"POST /apply HTTP/1.1\r\n" + HOST + form + b"Cookie: " + cookie + b"\r\nContent-Length: 7\r\n\r\na=1&b=2"
    )
    answer, _ = await client.response()
    assert answer.startswith(b"HTTP/1.1 200 ")
    await shield.settled(3)
    assert origin.bodies == [b"a=1&b=2"]
