"""Request lines: what the parser made of one is held against what came."""

from __future__ import annotations

import pytest

from shieldproxy.proxy.request_lines import escape_line, find_line, line_complete, spelled_target

LINE = b"GET /caf\xc3\xa9 HTTP/1.1\r\n"
ESCAPED = b"GET /caf%C3%A9 HTTP/1.1\r\n"


@pytest.mark.parametrize(
    ("data", "begun", "escaped"),
    [
        (LINE, False, ESCAPED),
        (b"\r\n\r\n" + LINE, False, b"\r\n\r\n" + ESCAPED),
        (b"\xc3\xa9 HTTP/1.1\r\nX: \xe4\r\n", True, b"%C3%A9 HTTP/1.1\r\nX: \xe4\r\n"),
        (b"GET / HTTP/1.1\r\nX: \xe4\r\n", False, b"GET / HTTP/1.1\r\nX: \xe4\r\n"),
        (b"\nX: \xe4\r\n", True, b"\nX: \xe4\r\n"),
        (b"GET /\xe4", False, b"GET /%E4"),
    ],
)
def test_only_the_request_line_is_escaped(data: bytes, begun: bool, escaped: bytes) -> None:  # noqa: FBT001 - a column
    """Bytes over 0x7F are escaped in the first line and nowhere else, also when it comes in pieces."""
    assert escape_line(data, begun=begun) == escaped


def test_the_target_is_told_as_it_was_spelled() -> None:
    """What was escaped for the parser is found again; a line of other than three words has no target."""
    assert spelled_target(b"\r\n" + LINE + b"Host: s\r\n\r\n") == b"/caf\xc3\xa9"
    assert spelled_target(b"GET  /\xe4 HTTP/1.1\r\n") == b""


def test_a_line_is_complete_with_its_end() -> None:
    """Line ends before the line do not complete it."""
    assert not line_complete(b"\r\n\r\nGET / HT")
    assert line_complete(b"\r\nGET / HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("raw", "start", "end"),
    [
        (b"GET / HTTP/1.1\r\n", 0, 16),
        (b"\r\nGET / HTTP/1.1\r\n", 0, 16),
        (b"GET  / HTTP/1.1\r\n", 0, -1),
        (b"GET / ICE/1.1\r\n", 0, -1),
        (b"GET  / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n", 0, -1),
        (b"body GET / HTTP/1.1\r\n", 1, 21),
        (b"GET / HTTP/1.1\r\n", 1, -1),
    ],
)
def test_a_line_is_where_it_should_be_or_nowhere(raw: bytes, start: int, end: int) -> None:
    """At the start of a message the line must be the first; behind a body it may stand anywhere from there on."""
    assert find_line(raw, start, b"GET", b"/", "1.1") == end
