"""The demo's own HTTP client, against answers as a shield and a broken one give them."""

from __future__ import annotations

import asyncio

import pytest

from shieldproxy.cli.demo.loopback import NotLoopbackError
from shieldproxy.cli.demo.wire import Answer, Link, Target, WireError, announcement, read_answer, request_bytes
from tests.cli.demo.shield import Shield

ANSWERS = [
    ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokrest", Answer(200, {"content-length": "2"}, b"ok")),
    ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", Answer(200, {"content-length": "2"}, b"")),
    ("GET", b"HTTP/1.1 304 Not Modified\r\n\r\n", Answer(304, {}, b"")),
    (
        "GET",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n\r\n",
        Answer(200, {"transfer-encoding": "chunked"}, b"abcd"),
    ),
    ("GET", b"HTTP/1.1 502 Bad Gateway\r\nX: a:b\r\n\r\nto the end", Answer(502, {"x": "a:b"}, b"to the end")),
]


@pytest.mark.parametrize(("method", "sent", "answer"), ANSWERS)
async def test_answers_are_read_to_their_end(method: str, sent: bytes, answer: Answer) -> None:
    """Bodies end where RFC 9112 says."""
    reader = asyncio.StreamReader()
    reader.feed_data(sent)
    reader.feed_eof()
    assert await read_answer(reader, method) == answer


def test_a_client_announces_its_address() -> None:
    """The PROXY line names the claimed address in the family it belongs to."""
    assert announcement("192.0.2.1", 4444) == b"PROXY TCP4 192.0.2.1 127.0.0.1 4444 443\r\n"
    assert announcement("2001:db8::1", 4444) == b"PROXY TCP6 2001:db8::1 ::1 4444 443\r\n"


def test_a_request_is_written_as_browsers_write_it() -> None:
    """Host first, then the fields in their order, and the length of a body."""
    assert request_bytes("POST", "/a", "site", [("X", "1")], b"body") == (
        b"POST /a HTTP/1.1\r\nHost: site\r\nX: 1\r\nContent-Length: 4\r\n\r\nbody"
    )


FIELDS = (("User-Agent", "test"), ("Accept", "*/*"))


async def test_a_link_is_kept_for_the_next_request() -> None:
    """Two requests take one connection and one announcement."""
    shield = Shield()
    async with shield.open() as target:
        link = Link(target, "192.0.2.7", 4444)
        answers = [await link.ask("GET", path, FIELDS) for path in ("/", "/news")]
        await link.close()
    assert [answer.status for answer in answers] == [200, 200]
    assert shield.claimed == ["192.0.2.7"]


async def test_a_closed_connection_is_an_error_that_knows_whether_it_was_asked() -> None:
    """A request cut off had left; one to a closed port had not."""
    shield = Shield(hang_up=True)
    async with shield.open() as target:
        with pytest.raises(WireError) as cut:
            await Link(target, "192.0.2.7", 4444).ask("GET", "/", FIELDS)
    with pytest.raises(WireError) as refused:
        await Link(target, "192.0.2.7", 4444).ask("GET", "/", FIELDS)
    assert (cut.value.asked, refused.value.asked) == (True, False)


def test_nobody_else_is_a_target() -> None:
    """A link to another machine cannot be made."""
    with pytest.raises(NotLoopbackError):
        Link(Target("192.0.2.1", 80, "site"), "192.0.2.7", 4444)
