"""The request reader: heads and bodies out of bytes, one head at a time."""

from __future__ import annotations

import pytest

from shieldproxy.core.facts import Malformed
from shieldproxy.proxy.request_heads import RequestHead
from shieldproxy.proxy.request_reader import STRIDE, RequestReader
from shieldproxy.proxy.terms import Terms
from tests.proxy.reading import Heard, Manner, read_all

GET = b"GET / HTTP/1.1\r\nHost: s\r\n\r\n"
POST = b"POST /p HTTP/1.1\r\nHost: s\r\n"
WEBSOCKET = b"GET /ws HTTP/1.1\r\nHost: s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def targets(heard: Heard) -> list[bytes]:
    return [message.head.target for message in heard.messages if isinstance(message.head, RequestHead)]


def test_one_head_is_read_at_a_time() -> None:
    """A packet of a thousand requests is one request and a rest."""
    heard = Heard()
    rest = RequestReader(heard, Manner()).read(GET * 1_000)
    assert len(heard.messages) == 1
    assert rest == GET * 999


def test_a_body_is_read_to_its_end_and_not_beyond() -> None:
    """A length says where the next head begins."""
    heard = Heard()
    reader = RequestReader(heard, Manner())
    rest = reader.read(POST + b"Content-Length: 5\r\n\r\nabcdeGET")
    assert reader.in_body
    assert rest == b"abcdeGET"
    assert reader.read(rest) == b"GET"
    assert not reader.in_body
    assert (bytes(heard.messages[0].body), heard.messages[0].whole) == (b"abcde", True)


def test_behind_chunks_few_heads_are_read_along() -> None:
    """The end of a chunked body is found at its empty line, at the latest a stride further."""
    heard = Heard()
    reader = RequestReader(heard, Manner())
    rest = reader.read(POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GET * 1_000)
    rest = reader.read(rest)
    assert len(heard.messages) <= 2 + STRIDE // len(GET)
    assert len(rest) > 900 * len(GET)


def test_a_flood_of_tiny_chunks_is_one_piece_of_body() -> None:
    """What one packet brings of a body is handed over at once."""
    pieces: list[bytes] = []

    class Counting(Heard):
        def take_body(self, data: bytes) -> None:
            pieces.append(data)

    reader = RequestReader(Counting(), Manner())
    reader.read(reader.read(POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 10_000))
    assert b"".join(pieces) == b"a" * 10_000
    assert len(pieces) < 100


def test_behind_an_upgrade_nothing_is_read_until_it_is_decided() -> None:
    """Bytes behind the request wait; when it is not granted they are a request again."""
    heard = Heard()
    reader = RequestReader(heard, Manner())
    assert reader.read(WEBSOCKET + GET) == GET
    assert reader.upgrading
    reader.resume()
    assert reader.read(GET) == b""
    assert targets(heard) == [b"/ws", b"/"]


def test_an_upgrade_to_http_2_is_ignored_with_its_body() -> None:
    """Java's HTTP client asks for h2c with every request in clear text, also with those that have a body."""
    h2c = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"
    heard = read_all(
        [
            POST + h2c + b"Content-Length: 3\r\n\r\nabc" + GET,
            POST + h2c + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + GET,
        ]
    )
    assert [bytes(message.body) for message in heard.messages] == [b"abc", b"", b"abc", b""]
    assert all(message.whole for message in heard.messages)


@pytest.mark.parametrize(
    "packets",
    [
        [b"\r\n" * 600],
        [b"GET / HTTP/1.1\r\nX: " + b"a" * 1_200],
        [GET[:-2] + b"X: " + b"a" * 1_200 + b"\r\n\r\n"],
        [b"GET /" + b"a" * 1_200],
    ],
    ids=["empty lines", "an endless line", "a long head", "an endless target"],
)
def test_a_head_has_its_limit(packets: list[bytes]) -> None:
    """Beyond ``max_head`` it is 431, whether it ends or not, and whether it began or not."""
    heard = read_all(packets, Manner(Terms(max_head=1_024)))
    assert isinstance(heard.messages[-1].head, Malformed)
    assert heard.messages[-1].head.status == 431


@pytest.mark.parametrize(
    "overhead",
    [b"1;" + b"a" * 2_000, b"0\r\nX: " + b"a" * 2_000, b"0\r\n" + b"X: y\r\n" * 400],
    ids=["an extension", "a trailer", "many trailers"],
)
def test_what_is_no_body_has_its_limit_within_one(overhead: bytes) -> None:
    """Extensions and trailers of a chunked body do not go on for ever."""
    packets = [POST + b"Transfer-Encoding: chunked\r\n\r\n", *(overhead[at : at + 100] for at in range(0, 2_500, 100))]
    heard = read_all([packet for packet in packets if packet], Manner(Terms(max_head=1_024)))
    assert heard.messages[-1].broken


def test_a_body_in_one_byte_chunks_goes_on() -> None:
    """The limit is on what is no body between two bytes of body, not on all of it together."""
    heard = read_all(
        [POST + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1;abc\r\nx\r\n"] * 500], Manner(Terms(max_head=1_024))
    )
    assert bytes(heard.messages[0].body) == b"x" * 500
    assert not heard.messages[0].broken


def test_nothing_is_read_behind_what_cannot_be_read() -> None:
    """The first message that is none is the last: whatever follows has no boundary."""
    heard = read_all([GET + b"GET / HTTP/1.1\r\nHost : s\r\n\r\n" + GET, GET])
    assert len(heard.messages) == 2
    assert isinstance(heard.messages[1].head, Malformed)


def test_an_error_of_ours_is_not_taken_for_one_of_the_client() -> None:
    """What a listener raises comes out as it is."""

    class Failing(Heard):
        def take_message(self, *_: object) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        RequestReader(Failing(), Manner()).read(GET)
