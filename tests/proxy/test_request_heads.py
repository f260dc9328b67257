"""Heads: what is served and what is refused, and what the origin reads instead of what the client wrote."""

from __future__ import annotations

import pytest

from shieldproxy.core.facts import Malformed
from shieldproxy.proxy.fields import Field
from shieldproxy.proxy.request_heads import RequestHead, read_request_head, write_request_head


def fields(*pairs: tuple[str, str]) -> list[Field]:
    return [(name.lower().encode(), name.encode(), value.encode("latin-1")) for name, value in pairs]


def read(
    target: str = "/",
    *pairs: tuple[str, str],
    method: str = "GET",
    version: str = "1.1",
    host: str | None = "site.example",
    upgrading: bool = False,
) -> RequestHead | Malformed:
    found = [*fields(("Host", host)), *fields(*pairs)] if host is not None else fields(*pairs)
    return read_request_head(
        method.encode(), target.encode("latin-1"), version, found, keep_alive=True, upgrading=upgrading, max_target=8192
    )


SERVED: list[tuple[str, list[tuple[str, str]], str, bytes]] = [
    # Paths and queries, byte for byte
    ("/", [], "GET", b"/"),
    ("/a%2Fb//c;d=1?", [], "GET", b"/a%2Fb//c;d=1?"),
    ("/?q=%C3%A4&x", [], "GET", b"/?q=%C3%A4&x"),
    ("/ä", [], "GET", "/ä".encode("latin-1")),
    # Absolute form: the same site, the origin gets the path
    ("http://site.example/x?y", [], "GET", b"/x?y"),
    ("HTTP://SITE.example", [], "GET", b"/"),
    ("http://site.example?q", [], "GET", b"/?q"),
    # OPTIONS for the server itself
    ("*", [], "OPTIONS", b"*"),
    ("http://site.example", [], "OPTIONS", b"*"),
]


@pytest.mark.parametrize(("target", "pairs", "method", "expected"), SERVED)
def test_a_good_target_reaches_the_origin_byte_for_byte(
    target: str, pairs: list[tuple[str, str]], method: str, expected: bytes
) -> None:
    """A target in origin form passes as it came; absolute form becomes origin form."""
    head = read(target, *pairs, method=method)
    assert isinstance(head, RequestHead)
    assert head.target == expected


REFUSED: list[tuple[str, int, dict[str, object], list[tuple[str, str]]]] = [
    # Versions
    ("an HTTP/0.9 head", 505, {"version": "0.9"}, []),
    ("an HTTP/2.0 head over plain text", 505, {"version": "2.0"}, []),
    # Methods
    ("CONNECT", 405, {"method": "CONNECT", "target": "a:1"}, []),
    ("TRACE", 405, {"method": "TRACE"}, []),
    # Targets
    ("a target longer than allowed", 414, {"target": "/" + "a" * 8192}, []),
    ("a fragment", 400, {"target": "/a#b"}, []),
    ("a relative target", 400, {"target": "a/b"}, []),
    ("a target of another scheme", 400, {"target": "ftp://site.example/"}, []),
    ("a star for GET", 400, {"target": "*"}, []),
    ("an absolute target of another site", 400, {"target": "http://other.example/"}, []),
    ("an absolute target with userinfo", 400, {"target": "http://me@site.example/"}, []),
    ("an absolute target with another port", 400, {"target": "http://site.example:81/"}, []),
    # Host
    ("no Host in 1.1", 400, {"host": None}, []),
    ("two Hosts", 400, {}, [("Host", "site.example")]),
    ("a Host with userinfo", 400, {"host": "a@b"}, []),
    ("a Host with a path", 400, {"host": "a/b"}, []),
    ("a Host with a space", 400, {"host": "a b"}, []),
    ("a Host with a list", 400, {"host": "a,b"}, []),
    ("a Host with an endless port", 400, {"host": "a:123456"}, []),
    ("a Host with a port beyond all ports", 400, {"host": "a:65536"}, []),
    ("an empty Host in 1.1", 400, {"host": ""}, []),
    # Framing
    ("a length beside chunks", 400, {"method": "POST"}, [("Content-Length", "1"), ("Transfer-Encoding", "chunked")]),
    ("two lengths", 400, {"method": "POST"}, [("Content-Length", "1"), ("Content-Length", "1")]),
    ("a signed length", 400, {"method": "POST"}, [("Content-Length", "+1")]),
    ("a length of words", 400, {"method": "POST"}, [("Content-Length", "one")]),
    ("a length list", 400, {"method": "POST"}, [("Content-Length", "1, 1")]),
    ("a length beyond any disk", 400, {"method": "POST"}, [("Content-Length", "9" * 19)]),
    ("gzip, chunked", 400, {"method": "POST"}, [("Transfer-Encoding", "gzip, chunked")]),
    ("identity", 400, {"method": "POST"}, [("Transfer-Encoding", "identity")]),
    ("chunked twice", 400, {"method": "POST"}, [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")]),
    ("chunks in HTTP/1.0", 400, {"method": "POST", "version": "1.0"}, [("Transfer-Encoding", "chunked")]),
    # Connection and Upgrade
    ("Connection naming Host", 400, {}, [("Connection", "close, Host")]),
    ("Connection naming Content-Length", 400, {}, [("Connection", "content-length")]),
    ("Connection naming the cookie", 400, {}, [("Connection", "Cookie")]),
    (
        "an upgrade with a body",
        400,
        {"upgrading": True},
        [("Connection", "upgrade"), ("Upgrade", "x"), ("Content-Length", "3")],
    ),
    # Expect
    ("an unknown expectation", 417, {}, [("Expect", "200-ok")]),
]


@pytest.mark.parametrize(("what", "status", "given", "pairs"), REFUSED, ids=[row[0] for row in REFUSED])
def test_an_ambiguous_head_is_refused(
    what: str, status: int, given: dict[str, object], pairs: list[tuple[str, str]]
) -> None:
    """Each head that two parsers could read differently has a status and a reason."""
    target = str(given.pop("target", "/"))
    head = read(target, *pairs, **given)  # type: ignore[arg-type]
    assert isinstance(head, Malformed), what
    assert head.status == status
    assert head.reason
    given["target"] = target


def test_the_origin_reads_our_head_not_the_clients() -> None:
    """Hop-by-hop fields, fields Connection names, forged forwarding fields and underscores end here; order stays."""
    head = read(
        "/x",
        ("User-Agent", "A"),
        ("X-Forwarded-For", "6.6.6.6"),
        ("x-forwarded-proto", "https"),
        ("X-Request-Id", "forged"),
        ("X-Real-IP", "6.6.6.6"),
        ("Forwarded", "for=6.6.6.6"),
        ("Keep-Alive", "1"),
        ("X-Hop", "1"),
        ("Connection", "keep-alive, X-Hop"),
        ("Proxy", "http://evil"),
        ("TE", "trailers"),
        ("X_Forwarded_For", "6.6.6.6"),
        ("Cookie", "a=1"),
        ("Accept", "*/*"),
        ("Accept", "text/html"),
    )
    assert isinstance(head, RequestHead)
    assert write_request_head(head, b"X-Forwarded-For: 192.0.2.1\r\n", b"id1") == (
        b"GET /x HTTP/1.1\r\nHost: site.example\r\nUser-Agent: A\r\nCookie: a=1\r\nAccept: */*\r\n"
        b"Accept: text/html\r\nX-Forwarded-For: 192.0.2.1\r\nX-Request-Id: id1\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("method", "pairs", "line"),
    [
        ("POST", [("Content-Length", "7")], b"Content-Length: 7\r\n"),
        ("POST", [("Transfer-Encoding", "chunked")], b"Transfer-Encoding: chunked\r\n"),
        ("POST", [], b"Content-Length: 0\r\n"),
        ("GET", [("Content-Length", "0")], b""),
    ],
)
def test_a_request_is_framed_in_exactly_one_way(method: str, pairs: list[tuple[str, str]], line: bytes) -> None:
    """What goes to the origin has one length, or chunks, or no body."""
    head = read("/", *pairs, method=method)
    assert isinstance(head, RequestHead)
    written = write_request_head(head, b"", b"i")
    assert written.count(b"Content-Length") + written.count(b"Transfer-Encoding") == bool(line)
    assert line in written


def test_an_upgrade_is_asked_for_in_our_words() -> None:
    """A WebSocket request goes on with one Connection and one Upgrade line; HTTP/2 in clear text is ignored."""
    head = read("/", ("Connection", "keep-alive, Upgrade"), ("Upgrade", "websocket"), upgrading=True)
    assert isinstance(head, RequestHead)
    assert b"Connection: Upgrade\r\nUpgrade: websocket\r\n" in write_request_head(head, b"", b"i")
    head = read("/", ("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "x"))
    assert isinstance(head, RequestHead)
    assert b"pgrade" not in write_request_head(head, b"", b"i")
    assert b"HTTP2" not in write_request_head(head, b"", b"i")
