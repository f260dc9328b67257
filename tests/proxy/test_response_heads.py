"""Response heads: where an answer ends, and what of its head the client reads."""

from __future__ import annotations

import pytest

from shieldproxy.proxy.fields import Field
from shieldproxy.proxy.request_heads import CHUNKED
from shieldproxy.proxy.response_heads import UNTIL_CLOSE, response_length, write_response_head


def fields(*pairs: tuple[str, str]) -> list[Field]:
    return [(name.lower().encode(), name.encode(), value.encode("latin-1")) for name, value in pairs]


@pytest.mark.parametrize(
    ("status", "method", "pairs", "length"),
    [
        (200, b"GET", [("Content-Length", "5")], 5),
        (200, b"GET", [("Transfer-Encoding", "chunked")], CHUNKED),
        (200, b"GET", [], UNTIL_CLOSE),
        (200, b"HEAD", [("Content-Length", "5")], 0),
        (204, b"GET", [("Content-Length", "5")], 0),
        (304, b"GET", [("Content-Length", "5")], 0),
        (200, b"GET", [("Content-Length", "5"), ("Content-Length", "5")], 5),
    ],
)
def test_where_a_response_ends(status: int, method: bytes, pairs: list[tuple[str, str]], length: int) -> None:
    """The end of a response body is found as RFC 9112, 6.3 says."""
    assert response_length(status, method, fields(*pairs)) == length


@pytest.mark.parametrize(
    "pairs",
    [
        [("Content-Length", "5"), ("Content-Length", "6")],
        [("Content-Length", "5"), ("Transfer-Encoding", "chunked")],
        [("Transfer-Encoding", "gzip")],
    ],
)
def test_an_ambiguous_response_is_no_answer(pairs: list[tuple[str, str]]) -> None:
    """An origin that frames its answer in two ways is garbage, not a choice."""
    with pytest.raises(ValueError, match=r"ambiguous|two lengths"):
        response_length(200, b"GET", fields(*pairs))


def test_a_response_head_keeps_what_belongs_to_the_page() -> None:
    """Several Set-Cookie and the origin's order stay; hop-by-hop fields and the origin's framing do not."""
    written = write_response_head(
        200,
        b"OK",
        fields(
            ("Set-Cookie", "a=1"),
            ("Set-Cookie", "b=2"),
            ("Connection", "x-drop"),
            ("X-Drop", "1"),
            ("ETag", '"1"'),
            ("Content-Length", "5"),
            ("Keep-Alive", "timeout=5"),
        ),
        framing_line=b"Content-Length: 5\r\n",
        connection_line=b"",
        request_id=b"i",
        bodiless=False,
    )
    assert written == (
        b'HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nETag: "1"\r\nContent-Length: 5\r\nX-Request-Id: i\r\n\r\n'
    )
