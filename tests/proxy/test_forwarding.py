"""Forwarding: what a site says and what its visitors send arrive as they were, in both directions."""

from __future__ import annotations

import asyncio
import gzip
import random

import pytest

from tests.proxy.conftest import OK, Open, RawOrigin, StartOrigin

HOST = b"Host: site.example\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
CLOSE = b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"


def lines_of(head: bytes) -> list[bytes]:
    """Return the header lines of a head."""
    return head.split(b"\r\n")[1:-2]


async def test_request_fields_keep_order_number_letters_and_bytes(open_shield: Open, origin: RawOrigin) -> None:
    """What the client says of itself reaches the origin line by line, odd as it may be."""
    lines = [
        b"User-Agent: Mozilla/5.0 (\xfcber)",
        b"accept: */*",
        b"ACCEPT: text/html;q=0.1",
        b"Cookie: a=1; b=\xe2\x82\xac",
        b"Cookie: c=3",
        b"X-Empty: ",
        b"X-Tab: a\tb",
        b"Range: bytes=0-99,200-",
        b'If-None-Match: "x", W/"y"',
        b"If-Modified-Since: Wed, 17 Jan 2024 12:00:00 GMT",
        b'If-Range: "x"',
        b"Accept-Encoding: br, gzip;q=0.5, zstd",
        b"Authorization: Basic dTpw",
        b'Sec-CH-UA: "A";v="1"',
        b"Origin: null",
        b"DNT: 1",
    ]
    shield = await open_shield(origin)
    await shield.talk(b"GET /a HTTP/1.1\r\n" + HOST + b"\r\n".join(lines) + b"\r\nConnection: close\r\n\r\n")
    seen = [
        line for line in lines_of(origin.heads[0]) if not line.startswith((b"Host:", b"X-Forwarded-", b"X-Request-"))
    ]
    assert seen == lines


async def test_response_fields_keep_order_number_letters_and_bytes(
    open_shield: Open, start_origin: StartOrigin
) -> None:
    """Several Set-Cookie, odd names and bytes come through line by line; only framing and ID are ours."""
    lines = [
        b"Server: nginx",
        b"set-cookie: a=1; Path=/; HttpOnly",
        b"Set-Cookie: b=\xe2\x82\xac; Expires=Wed, 17 Jan 2024 12:00:00 GMT",
        b"Set-Cookie: c=3",
        b"X_Under_Score: kept",
        b"Link: </a>; rel=preload, </b>",
        b"Vary: Accept-Encoding",
        b"Vary: Cookie",
        b"X-Empty: ",
        b"Content-Type: text/html; charset=ISO-8859-1",
        b'WWW-Authenticate: Basic realm="x", Digest realm="y"',
        b"Content-Security-Policy: default-src 'self'",
    ]
    origin = await start_origin(b"HTTP/1.1 200 Fine\r\n" + b"\r\n".join(lines) + b"\r\nContent-Length: 2\r\n\r\nok")
    shield = await open_shield(origin)
    client = await shield.connect()
    for _ in range(3):
        client.send(GET)
        head, _ = await client.response()
        assert head.startswith(b"HTTP/1.1 200 Fine\r\n")
        seen = [line for line in lines_of(head) if not line.startswith((b"Content-Length:", b"X-Request-Id:"))]
        assert seen == lines


PACKED = gzip.compress(b"page " * 1_000, mtime=0)
BOUNDARY = b"--x\r\nContent-Range: bytes 0-1/9\r\n\r\nab\r\n--x\r\nContent-Range: bytes 4-5/9\r\n\r\nef\r\n--x--\r\n"
ANSWERS = [
    ("a part", b"206 Partial Content", b"Content-Range: bytes 0-1/9\r\n", b"ab"),
    ("several parts", b"206 Partial Content", b"Content-Type: multipart/byteranges; boundary=x\r\n", BOUNDARY),
    ("a packed page", b"200 OK", b"Content-Encoding: gzip\r\n", PACKED),
    ("a status of its own", b"299 Odd", b"", b"x"),
    ("a status beyond all", b"999 ", b"", b"x"),
    ("no reason", b"200 ", b"", b"x"),
    ("a reason in other letters", b"200 \xfcber", b"", b"x"),
    ("bytes of every kind", b"200 OK", b"", bytes(range(256)) * 9),
    ("something like a head", b"200 OK", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
    ("an error of the site", b"500 Internal Server Error", b"", b"<h1>sorry</h1>"),
    ("a redirect", b"302 Found", b"Location: http://site.example/a?b#c\r\n", b""),
    ("a wish for later", b"503 Service Unavailable", b"Retry-After: 120\r\n", b"x"),
]


@pytest.mark.parametrize("chunked", [False, True], ids=["by length", "in chunks"])
@pytest.mark.parametrize(("what", "status", "lines", "body"), ANSWERS, ids=[row[0] for row in ANSWERS])
async def test_answers_arrive_as_they_were(
    open_shield: Open,
    start_origin: StartOrigin,
    what: str,
    status: bytes,
    lines: bytes,
    body: bytes,
    chunked: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Whatever the site answers, in whatever framing, and also the second and third time."""
    length = b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (body[:7], body[7:]) if piece)
    framed = b"Transfer-Encoding: chunked\r\n\r\n%b0\r\nX-Trailer: t\r\n\r\n" % pieces if chunked else length
    origin = await start_origin(b"HTTP/1.1 " + status + b"\r\n" + lines + framed)
    shield = await open_shield(origin)
    client = await shield.connect()
    for _ in range(3):
        client.send(GET)
        head, got = await client.response()
        assert head.startswith(b"HTTP/1.1 " + status + b"\r\n"), what
        assert not lines or lines in head
        assert got == body
        assert b"railer" not in head


@pytest.mark.parametrize("head", [b"HTTP/1.1 200\r\n", b"HTTP/1.0 200 OK\r\n"])
async def test_answers_of_old_servers_arrive(open_shield: Open, start_origin: StartOrigin, head: bytes) -> None:
    """A status without a reason, and HTTP/1.0."""
    origin = await start_origin(head + b"Content-Length: 2\r\nConnection: close\r\n\r\nok")
    shield = await open_shield(origin)
    assert (await shield.talk(CLOSE)).endswith(b"\r\n\r\nok")


MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="f"; filename="\xc3\xa4.bin"\r\n\r\n'
    + bytes(range(256))
    + b"\r\n--b--\r\n"
)
UPLOADS = [
    ("a form", b"application/x-www-form-urlencoded", b"a=%C3%A4&b=1+2"),
    ("a file", b"multipart/form-data; boundary=b", MULTIPART),
    ("gRPC-Web", b"application/grpc-web+proto", b"\x00\x00\x00\x00\x05hello\x80\x00\x00\x00\x0fgrpc-status:0\r\n"),
    ("gRPC-Web text", b"application/grpc-web-text", b"AAAAAAVoZWxsbw=="),
    ("JSON", b"application/json", b'{"a": "\xc3\xa4"}'),
    ("more than the buffer", b"application/octet-stream", random.Random(1).randbytes(300_000)),
]


@pytest.mark.parametrize("chunked", [False, True], ids=["by length", "in chunks"])
@pytest.mark.parametrize(("what", "kind", "body"), UPLOADS, ids=[row[0] for row in UPLOADS])
async def test_uploads_arrive_as_they_were(
    open_shield: Open,
    origin: RawOrigin,
    what: str,
    kind: bytes,
    body: bytes,
    chunked: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Forms, files and what else is uploaded, by length or in chunks, byte for byte and in the same framing."""
    shield = await open_shield(origin)
    client = await shield.connect()
    head = b"POST /up HTTP/1.1\r\n" + HOST + b"Content-Type: " + kind + b"\r\n"
    if chunked:
        third = max(1, len(body) // 3)
        pieces = [body[at : at + third] for at in range(0, len(body), third)]
        client.send(head + b"Transfer-Encoding: chunked\r\n\r\n")
        client.send(b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n")
    else:
        client.send(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert (await client.response())[1] == b"ok", what
    assert origin.bodies == [body]
    assert b"Content-Type: " + kind + b"\r\n" in origin.heads[0]
    assert (b"Transfer-Encoding: chunked\r\n" in origin.heads[0]) == chunked
    assert (b"Content-Length: " in origin.heads[0]) != chunked


async def test_a_chunk_is_passed_on_before_the_next_comes(open_shield: Open, start_origin: StartOrigin) -> None:
    """Both ways: the origin reads the first chunk while the client still holds the second back, and answers it."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while (line := await reader.readuntil(b"\r\n")) != b"0\r\n":
            chunk = await reader.readexactly(int(line, 16) + 2)
            writer.write(line + chunk)
        writer.write(b"0\r\n\r\n")

    origin = await start_origin(script=echo)
    shield = await open_shield(origin)
    client = await shield.connect()
    client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n")
    for word in (b"one", b"two", b"three"):
        client.send(b"%x\r\n%b\r\n" % (len(word), word))
        await asyncio.wait_for(client.reader.readuntil(word + b"\r\n"), 5)
    client.send(b"0\r\n\r\n")
    await asyncio.wait_for(client.reader.readuntil(b"0\r\n\r\n"), 5)
    await shield.settled()
    assert shield.journal.records[0].status == 200


async def test_a_small_body_is_sent_on_when_it_is_whole(open_shield: Open, origin: RawOrigin) -> None:
    """A client that sends its form byte by byte holds no connection to the origin meanwhile."""
    shield = await open_shield(origin)
    client = await shield.connect()
    client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 6\r\n\r\n")
    for byte in b"abcde":
        client.send(bytes([byte]))
        await asyncio.sleep(0.01)
        assert origin.connections == 0
    client.send(b"f")
    assert (await client.response())[1] == b"ok"
    assert origin.bodies == [b"abcdef"]


async def test_one_head_is_not_another_answers(open_shield: Open, start_origin: StartOrigin) -> None:
    """Answers that differ only in the length of the body, a cookie or the status are told apart, however often."""
    answers = [
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=2\r\nContent-Length: 1\r\n\r\ny",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=2\r\nContent-Length: 2\r\n\r\nzz",
        b"HTTP/1.1 201 OK\r\nSet-Cookie: a=2\r\nContent-Length: 2\r\n\r\nzz",
    ] * 4
    origin = await start_origin(*answers)
    shield = await open_shield(origin)
    client = await shield.connect()
    for answer in answers:
        client.send(GET)
        head, body = await client.response()
        assert head.split(b"\r\n")[0] == answer.split(b"\r\n")[0]
        assert answer.split(b"\r\n")[1] in head
        assert body == answer.partition(b"\r\n\r\n")[2]


async def test_an_old_client_is_named_a_site(open_shield: Open, origin: RawOrigin) -> None:
    """HTTP/1.0 without Host reaches the origin with the Host that the terms say, and no X-Forwarded-Host."""
    shield = await open_shield(origin, terms={"nameless": b"origin.internal:8080"})
    await shield.talk(b"GET / HTTP/1.0\r\n\r\n")
    assert b"\r\nHost: origin.internal:8080\r\n" in origin.heads[0]
    assert b"X-Forwarded-Host" not in origin.heads[0]


async def test_no_other_path_than_the_judged_one_is_served(open_shield: Open, origin: RawOrigin) -> None:
    """Headers that name another path to the frameworks that believe them end here."""
    shield = await open_shield(origin)
    await shield.talk(CLOSE[:-2] + b"X-Original-URL: /admin\r\nX-Rewrite-Url: /admin\r\n\r\n")
    assert b"/admin" not in origin.received


async def test_a_head_that_waits_for_its_body_is_passed_on(open_shield: Open, start_origin: StartOrigin) -> None:
    """The client sees the head as soon as the origin has sent it, not with the first byte of the body."""
    release = asyncio.Event()

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK[:-2])
        await release.wait()
        writer.write(b"ok")

    shield = await open_shield(await start_origin(script=late))
    client = await shield.connect()
    client.send(GET)
    await asyncio.wait_for(client.reader.readuntil(b"\r\n\r\n"), 5)
    release.set()
    assert await asyncio.wait_for(client.reader.readexactly(2), 5) == b"ok"
