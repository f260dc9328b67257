"""The request reader against mutated bytes: whatever it accepts is one request in one framing, and it never raises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.facts import Malformed
from shieldproxy.proxy.request_heads import CHUNKED, RequestHead, write_request_head
from shieldproxy.proxy.request_reader import RequestReader
from tests.proxy.conformance.wire import read_request
from tests.proxy.hostile_bytes import cuts, search, streams
from tests.proxy.reading import Heard, Manner, read_all

pytestmark = pytest.mark.fuzz


def sent(head: RequestHead, body: bytes, *, whole: bool) -> bytes:
    """Return the bytes an origin would get."""
    written = write_request_head(head, b"X-Forwarded-For: 192.0.2.1\r\n", b"id", b"localhost")
    if head.length != CHUNKED:
        return written + body
    return written + (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + (b"0\r\n\r\n" if whole else b"")


def check(heard: Heard) -> None:
    """Assert that what was heard is a sequence of unambiguous requests, and that nothing follows what is none."""
    for number, message in enumerate(heard.messages):
        last = number == len(heard.messages) - 1
        if isinstance(message.head, Malformed):
            assert last
            assert message.head.status in (400, 405, 414, 417, 421, 431, 505)
            assert not message.body
            continue
        assert last or message.whole or message.broken
        upstream = read_request(sent(message.head, bytes(message.body), whole=message.whole))
        if upstream is None:
            assert not message.whole
            continue
        seen, rest = upstream
        assert rest == b""
        assert seen.method.encode() == message.head.method
        assert seen.target.encode("latin-1") == message.head.target
        assert seen.body == bytes(message.body)
        assert sum(name == "x-forwarded-for" for name, _ in seen.fields) == 1


def test_whatever_is_accepted_is_one_request_in_one_framing() -> None:
    """Nothing raises; each accepted head, written anew, reads as the same request and nothing else."""

    @given(streams())
    def promise(data: bytes) -> None:
        check(read_all([data]))

    search(promise, 400)


def test_packets_do_not_change_what_is_read() -> None:
    """However the same bytes are cut, the same requests are read and the same thing is refused."""

    @given(st.data())
    def promise(data: st.DataObject) -> None:
        stream = data.draw(streams())
        whole, cut = read_all([stream]), read_all(data.draw(cuts(stream)))
        check(cut)
        assert whole.outline() == cut.outline()

    search(promise, 300)


def test_what_was_read_before_does_not_change_what_is_read() -> None:
    """Heads that are known from other connections are read as they would be for the first time."""
    worn = Manner()

    @given(streams())
    def promise(data: bytes) -> None:
        fresh = read_all([data])
        first, second = read_all([data], worn), read_all([data], worn)
        check(second)
        assert first.outline() == fresh.outline()
        assert second.outline() == fresh.outline()
        assert written(first) == written(fresh) == written(second)

    search(promise, 300)
    assert len(worn.known_heads) > 0


def written(heard: Heard) -> list[bytes]:
    """Return the heads that go to the origin."""
    return [
        write_request_head(message.head, b"", b"id")
        for message in heard.messages
        if isinstance(message.head, RequestHead)
    ]


def test_arbitrary_bytes_are_read_or_refused() -> None:
    """Bytes of no protocol are refused or waited for, never an error of ours."""

    @given(st.lists(st.binary(max_size=60), max_size=5))
    def promise(packets: list[bytes]) -> None:
        check(read_all(packets))

    search(promise, 200)


def test_what_waits_is_bounded() -> None:
    """A head that never ends is refused at its limit, however slowly it comes, and no more of it is kept."""

    @given(st.sampled_from([b"a", b"\r\n", b"a: b\r\n", b"\xff", b"GET / HTTP/1.1\r\n"]), st.integers(1, 5_000))
    def promise(piece: bytes, count: int) -> None:
        heard = Heard()
        reader = RequestReader(heard, Manner())
        reader.read(b"GET / HTTP/1.1\r\nX: ")
        for _ in range(0, 80_000, len(piece) * count):
            reader.read(piece * count)
        assert reader.deaf
        assert len(heard.messages) == 1

    search(promise, 50)
