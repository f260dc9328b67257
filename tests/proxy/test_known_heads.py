"""Known heads: read once by the strict parser, and never to mean anything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.facts import Malformed, Request
from shieldproxy.guard.fingerprints import Fingerprints
from shieldproxy.proxy.known_heads import LONGEST, MEMORY, KnownHeads
from shieldproxy.proxy.request_heads import RequestHead, write_request_head
from shieldproxy.proxy.request_reader import RequestReader
from shieldproxy.proxy.terms import Terms
from tests.proxy.conftest import Open, RawOrigin

LINES = b"\r\nHost: s.example\r\nUser-Agent: A\r\nX-Hop: 1\r\nConnection: keep-alive, x-hop\r\nCookie: a=1\r\n\r\n"


class Heard:
    """A listener that keeps what it hears, and the reader's manners."""

    def __init__(self, terms: Terms | None = None) -> None:
        self.terms = terms or Terms()
        self.fingerprints = Fingerprints()
        self.known_heads = KnownHeads()
        self.said: list[object] = []

    def take_message(self, request: Request, head: RequestHead | Malformed, _fields: object) -> None:
        # The number by which lines are known is all that knowing them may change.
        asked = request._replace(known=0)
        self.said.append(head if isinstance(head, Malformed) else (asked, write_request_head(head, b"", b"i")))

    def take_body(self, data: bytes) -> None:
        self.said.append(data)

    def end_body(self) -> None:
        self.said.append("end")

    def break_body(self, reason: str) -> None:
        self.said.append(reason)


def hear(data: bytes, heard: Heard) -> list[object]:
    """Read ``data`` on a new connection and return what was heard of it."""
    reader, heard.said = RequestReader(heard, heard), []
    rest = data
    while rest and not reader.deaf:
        rest = reader.read(rest)
    return heard.said


TARGETS = [b"/", b"/a?b=c", b"/%2F//;x", b"/\xe4", b"/a#b", b"/a b", b"*", b"http://s.example/x", b"/\x01", b"a", b""]
LINE_FORMS = [
    b"GET %b HTTP/1.1",
    b"GET  %b HTTP/1.1",
    b"GET %b HTTP/1.0",
    b"get %b HTTP/1.1",
    b"POST %b HTTP/1.1",
    b"GET %b HTTP/1.1 ",
    b" GET %b HTTP/1.1",
    b"GET %b",
    b"GET %b HTTP/1.2",
    b"GET\t%b HTTP/1.1",
]


@pytest.mark.parametrize("form", LINE_FORMS)
@pytest.mark.parametrize("target", TARGETS)
def test_whatever_the_request_line_the_memory_changes_nothing(form: bytes, target: bytes) -> None:
    """A head with lines that are known is heard exactly as by a reader that knows nothing."""
    data = form % target + LINES
    knowing = Heard()
    hear(b"GET /first HTTP/1.1" + LINES, knowing)
    assert len(knowing.known_heads) == 1
    assert hear(data, knowing) == hear(data, Heard())


@given(
    st.lists(
        st.sampled_from(
            [
                b"Host: s.example",
                b"Host: t",
                b"A: b",
                b"Connection: close",
                b"Content-Length: 2",
                b"Transfer-Encoding: chunked",
                b"Expect: 100-continue",
                b"Upgrade: h2c",
                b"A : b",
                b"Connection: upgrade",
                b"X_F: 1",
                b" folded",
            ]
        ),
        max_size=5,
    ),
    st.sampled_from([b"", b"hi", b"GET / HTTP/1.1\r\nHost: s.example\r\n\r\n"]),
    st.sampled_from([b"GET / HTTP/1.1\r\n", b"POST /x HTTP/1.1\r\n"]),
)
def test_reading_twice_is_hearing_twice_the_same(lines: list[bytes], behind: bytes, first: bytes) -> None:
    """For any lines, with whatever behind them: the second reading hears what the first heard."""
    data = first + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + behind
    heard = Heard()
    once = hear(data, heard)
    assert hear(data, heard) == once
    assert hear(data, Heard()) == once


def test_only_plain_heads_are_remembered_and_not_too_many() -> None:
    """Bodies, upgrades, closing connections and long heads are always read; more heads than fit turn it over."""
    heard = Heard()
    for lines in (
        b"\r\nHost: s\r\nConnection: close\r\n\r\n",
        b"\r\nHost: s\r\nContent-Length: 0\r\n\r\n",
        b"\r\nHost: s\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        b"\r\nHost: s\r\nA: " + b"b" * LONGEST + b"\r\n\r\n",
    ):
        hear(b"GET / HTTP/1.1" + lines, heard)
    hear(b"HEAD / HTTP/1.1" + LINES, heard)
    assert len(heard.known_heads) == 0
    for number in range(MEMORY + 5):
        hear(b"GET / HTTP/1.1\r\nHost: s\r\nA: %d\r\n\r\n" % number, heard)
    assert len(heard.known_heads) <= MEMORY


def test_a_target_too_long_is_refused_also_with_known_lines() -> None:
    """The bound on targets holds."""
    heard = Heard(Terms(max_target=20))
    hear(b"GET / HTTP/1.1" + LINES, heard)
    said = hear(b"GET /" + b"a" * 30 + b" HTTP/1.1" + LINES, heard)
    assert isinstance(said[0], Malformed)
    assert said[0].status == 414


async def test_new_terms_make_the_door_forget(open_shield: Open, origin: RawOrigin) -> None:
    """A host that is served no longer gets 421, though its lines were known."""
    shield = await open_shield(origin)
    client = await shield.connect()
    for _ in range(2):
        client.send(b"GET / HTTP/1.1" + LINES)
        assert (await client.response())[1] == b"ok"
    shield.door.adopt(Terms(hosts=frozenset(("other.example",))))
    client.send(b"GET / HTTP/1.1" + LINES)
    assert (await client.response())[0].startswith(b"HTTP/1.1 421 ")
