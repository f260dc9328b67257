"""Hostile bytes: requests that are nearly right, spoilt in one or two places, and cut into packets anywhere."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st

METHODS = (
    b"GET",
    b"POST",
    b"HEAD",
    b"PUT",
    b"OPTIONS",
    b"CONNECT",
    b"TRACE",
    b"get",
    b"FOO",
    b"QUERY",
    b"M-SEARCH",
    b"",
)
TARGETS = (
    b"/",
    b"/a?b",
    b"*",
    b"//a",
    b"/%2e%2e/",
    b"/caf\xc3\xa9",
    b"http://s/x",
    b"http://t/x",
    b"https://s?y",
    b"s:80",
    b"/a b",
    b"/#",
    b"",
    b"/.shieldproxy/answer",
)
VERSIONS = (
    b"HTTP/1.1",
    b"HTTP/1.1",
    b"HTTP/1.1",
    b"HTTP/1.0",
    b"HTTP/0.9",
    b"HTTP/2.0",
    b"HTTP/1.2",
    b"http/1.1",
    b"RTSP/1.0",
    b"",
)
NAMES = (
    b"Host",
    b"Content-Length",
    b"Transfer-Encoding",
    b"Connection",
    b"Upgrade",
    b"Expect",
    b"TE",
    b"Trailer",
    b"X-Forwarded-For",
    b"X_Forwarded_For",
    b"Keep-Alive",
    b"content-LENGTH",
    b"Content_Length",
    b"X",
)
VALUES = (
    b"s",
    b"0",
    b"3",
    b"03",
    b"+3",
    b"3,3",
    b"chunked",
    b"Chunked",
    b"gzip, chunked",
    b"chunked, identity",
    b"identity",
    b"close",
    b"keep-alive",
    b"Upgrade",
    b"Upgrade, HTTP2-Settings",
    b"Host",
    b"content-length",
    b"websocket",
    b"h2c",
    b"100-continue",
    b"trailers",
    b"192.0.2.1",
    b"caf\xc3\xa9",
    b"",
)
BLANKS = (b"", b" ", b" ", b"\t", b"  ", b"\x0b", b"\x0c", b"\xa0")
ENDS = (b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n", b"\r\n ", b"\x00\r\n")
SPOILS = (
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b"\x00",
    b" ",
    b"\t",
    b":",
    b",",
    b";",
    b"\x0b",
    b"\x7f",
    b"\x80",
    b"0",
    b"-",
    b"f",
)
SIZES = (b"3", b"03", b"3;x=y", b'3;x="y"', b"0x3", b"+3", b" 3", b"3 ", b"4", b"2", b"", b"ffffffffffffffff3", b"g")

mostly = st.sampled_from


@st.composite
def fields(draw: st.DrawFn) -> bytes:
    """Return header lines, most of them in order."""
    lines = [b"Host: s\r\n"] if draw(st.integers(0, 9)) else []
    for _ in range(draw(st.integers(0, 4))):
        name, value = draw(mostly(NAMES)), draw(mostly(VALUES))
        lines.append(name + b":" + draw(mostly(BLANKS[:4])) + value + draw(mostly(ENDS)))
    return b"".join(draw(st.permutations(lines)))


@st.composite
def chunks(draw: st.DrawFn) -> bytes:
    """Return a chunked body, most of it in order."""
    body = b"".join(
        draw(mostly((b"3", b"3", b"3", *SIZES))) + b"\r\nabc" + draw(mostly(ENDS))
        for _ in range(draw(st.integers(0, 3)))
    )
    trailer = draw(mostly((b"", b"", b"", b"T: u\r\n", b"Content-Length: 3\r\n", b"T : u\r\n")))
    return (
        body
        + draw(mostly((b"0", b"0", b"0", b"000", b"0;x", b"-0")))
        + b"\r\n"
        + trailer
        + draw(mostly((b"\r\n", b"\r\n", b"\n", b"")))
    )


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """Return one message."""
    if draw(st.booleans()):
        line = draw(mostly((b"GET /g HTTP/1.1\r\n", b"POST /p HTTP/1.1\r\n", b"PUT /q HTTP/1.0\r\n")))
    else:
        words = draw(mostly(METHODS)), draw(mostly(TARGETS)), draw(mostly(VERSIONS))
        line = draw(mostly((b" ", b" ", b" ", b"  ", b"\t"))).join(words) + draw(mostly(ENDS))
    framing = draw(
        mostly((b"", b"", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n"))
    )
    body = draw(st.one_of(st.just(b""), st.just(b"abc"), chunks(), st.just(b"GET /evil HTTP/1.1\r\nHost: s\r\n\r\n")))
    return line + framing + draw(fields()) + b"\r\n" + body


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Return what one connection sends: up to three messages, with up to two spots spoilt."""
    data = b"".join(draw(st.lists(messages(), min_size=1, max_size=3)))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(data)))
        kind = draw(st.integers(0, 3))
        spoil = draw(mostly(SPOILS))
        if kind == 0:
            data = data[:at] + spoil + data[at:]
        elif kind == 1:
            data = data[:at] + spoil + data[at + 1 :]
        elif kind == 2:
            data = data[:at] + data[at + draw(st.integers(1, 4)) :]
        else:
            data = data[:at] + data[max(0, at - draw(st.integers(1, 30))) :]
    return data


@st.composite
def cuts(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """Return ``data`` in packets."""
    if draw(st.integers(0, 9)) == 0:
        return [bytes([byte]) for byte in data]
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=4)))
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True) if end > start]


def search(promise: Callable[[], None], examples: int) -> None:
    """Search for what breaks ``promise``: over so many examples, or for FUZZ_SECONDS where these are set."""
    settings(max_examples=examples)(promise)()
    end = time.monotonic() + float(os.environ.get("FUZZ_SECONDS", "0"))
    while time.monotonic() < end:
        promise()
