"""One after the other: pipelining, connections that end, upgrades, expectations."""

from __future__ import annotations

from tests.proxy.conformance.case import EVIL, HOST, Case, chunked, ending, get, post, refused, served

CLOSE = b"Connection: close\r\n"
WEBSOCKET = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
BAD = b"GET / HTTP/1.1\r\nHost : site.example\r\n\r\n"

PIPELINES: list[Case] = [
    served("two in one packet", get(target=b"/1") + get(target=b"/2"), "GET /1", "GET /2"),
    served("a body between", post(b"Content-Length: 3\r\n", b"abc") + get(target=b"/2"), "POST /p abc", "GET /2"),
    served("chunks between", chunked(b"3\r\nabc\r\n0\r\n\r\n") + get(target=b"/2"), "POST /p abc", "GET /2"),
    served("an empty line between", post(b"Content-Length: 3\r\n", b"abc") + b"\r\n" + get(), "POST /p abc", "GET /"),
    Case("a bad one behind a good one", get() + BAD, (200, 400), ("GET /",)),
    Case("a good one behind a bad one", BAD + EVIL, (400,)),
    Case("garbage behind a good one", get() + b"\x00\x01\x02\r\n\r\n", (200, 400), ("GET /",)),
    Case("a bad one between good ones", get(target=b"/1") + BAD + EVIL, (200, 400), ("GET /1",)),
    ending("behind Connection: close", get(CLOSE) + EVIL, "GET /"),
    ending("garbage behind Connection: close", get(CLOSE) + b"\x00\r\n", "GET /"),
    ending("behind HTTP/1.0", get(version=b"HTTP/1.0") + EVIL, "GET /"),
    served(
        "behind HTTP/1.0 with keep-alive",
        get(b"Connection: keep-alive\r\n", version=b"HTTP/1.0") + get(target=b"/2"),
        "GET /",
        "GET /2",
    ),
    ending("behind keep-alive and close", get(b"Connection: keep-alive, close\r\n") + EVIL, "GET /"),
    ending("behind close in other letters", get(b"connection: CLOSE\r\n") + EVIL, "GET /"),
    Case("a body longer than its length", post(b"Content-Length: 1\r\n", b"abc"), (200, 400), ("POST /p a",)),
    Case(
        "the end of a head cut between packets, with the next behind it",
        b"",
        (200, 200),
        ("GET /1", "GET /2"),
        kept=True,
        packets=(get(target=b"/1")[:-1], b"\n" + get(target=b"/2")),
    ),
    Case(
        "every byte alone",
        b"",
        (200, 200),
        ("POST /p abc", "GET /2"),
        kept=True,
        packets=tuple(bytes([byte]) for byte in chunked(b"3;x\r\nabc\r\n0\r\nT: u\r\n\r\n") + get(target=b"/2")),
    ),
    Case(
        "a bad chunk in a packet of its own is not the next request",
        b"",
        (400,),
        (),
        packets=(chunked(b""), b"x\r\n" + EVIL),
    ),
]

UPGRADES: list[Case] = [
    ending("a request behind one for an upgrade", get(WEBSOCKET) + EVIL, "GET /"),
    ending("garbage behind one for an upgrade", get(WEBSOCKET) + b"\x81\x05hello", "GET /"),
    served("an upgrade that is not granted", get(WEBSOCKET), "GET /"),
    refused("an upgrade with a body", post(WEBSOCKET + b"Content-Length: 3\r\n", b"abc" + EVIL)),
    refused("an upgrade with chunks", post(WEBSOCKET + b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n" + EVIL)),
    served(
        "an Upgrade that Connection does not name",
        get(b"Upgrade: websocket\r\n") + get(target=b"/2"),
        "GET /",
        "GET /2",
    ),
    served("a Connection without Upgrade", get(b"Connection: Upgrade\r\n") + get(target=b"/2"), "GET /", "GET /2"),
    served("h2c is ignored", get(H2C) + get(target=b"/2"), "GET /", "GET /2"),
    served(
        "h2c with a body", post(H2C + b"Content-Length: 3\r\n", b"abc") + get(target=b"/2"), "POST /p abc", "GET /2"
    ),
    served(
        "h2c with chunks",
        chunked(b"3\r\nabc\r\n0\r\n\r\n", H2C + b"Transfer-Encoding: chunked\r\n") + get(target=b"/2"),
        "POST /p abc",
        "GET /2",
    ),
    refused("h2c with bad chunks", chunked(b"zz\r\n" + EVIL, H2C + b"Transfer-Encoding: chunked\r\n")),
    ending("behind h2c and close", get(H2C + CLOSE) + EVIL, "GET /"),
    ending("behind an upgrade in HTTP/1.0", get(WEBSOCKET, version=b"HTTP/1.0") + EVIL, "GET /"),
    served("h2 by prior knowledge of nobody", get(b"Connection: Upgrade\r\nUpgrade: h2\r\n"), "GET /"),
    served("two Upgrade lines", get(WEBSOCKET + b"Upgrade: h2c\r\n") + get(target=b"/2"), "GET /", "GET /2"),
]

EXPECTATIONS: list[Case] = [
    served(
        "100-continue and the body at once",
        post(b"Expect: 100-continue\r\nContent-Length: 3\r\n", b"abc"),
        "POST /p abc",
    ),
    served(
        "100-continue in other letters", post(b"expect: 100-CONTINUE\r\nContent-Length: 3\r\n", b"abc"), "POST /p abc"
    ),
    served("100-continue without a body", get(b"Expect: 100-continue\r\n"), "GET /"),
    ending(
        "100-continue in HTTP/1.0",
        post(b"Expect: 100-continue\r\nContent-Length: 3\r\n", b"abc", version=b"HTTP/1.0"),
        "POST /p abc",
    ),
    refused("another expectation", get(b"Expect: 200-ok\r\n"), 417),
    refused("100-continue and more", get(b"Expect: 100-continue, x\r\n"), 417),
    refused("two expectations", get(b"Expect: 100-continue\r\nExpect: 100-continue\r\n"), 417),
    refused("an expectation of nothing", get(b"Expect:\r\n"), 417),
    refused("100-continue with a bad length", post(b"Expect: 100-continue\r\nContent-Length: x\r\n", b"abc" + EVIL)),
]

HOPS: list[Case] = [
    refused("Connection naming Cookie", get(b"Cookie: a=1\r\nConnection: Cookie\r\n")),
    refused("Connection naming Authorization", get(b"Authorization: Basic eA==\r\nConnection: authorization\r\n")),
    refused("Connection naming Host among others", get(b"Connection: close, X, hOsT\r\n")),
    served("Connection naming a field of its own", get(b"X-Hop: 1\r\nConnection: X-Hop\r\n"), "GET /"),
    refused("Connection naming more than anybody has", get(b"Connection: " + b"x," * 100 + b"\r\n")),
    refused("Connection lines naming more than anybody has", get(b"Connection: a,b,c\r\n" * 40)),
    served("Connection naming nothing", get(b"Connection: ,, ,\r\n"), "GET /"),
    served("Proxy-Connection is nothing", get(b"Proxy-Connection: keep-alive\r\n"), "GET /"),
    served("Keep-Alive ends here", get(b"Keep-Alive: timeout=999\r\n"), "GET /"),
    served("Max-Forwards passes", get(b"Max-Forwards: 0\r\n"), "GET /"),
    Case("a site twice, once in a pipeline", get() + get(HOST), (200, 400), ("GET /",)),
]

CASES: list[Case] = [
    *(case._replace(promise=f"pipeline: {case.promise}") for case in PIPELINES),
    *(case._replace(promise=f"upgrade: {case.promise}") for case in UPGRADES),
    *(case._replace(promise=f"Expect: {case.promise}") for case in EXPECTATIONS),
    *(case._replace(promise=f"hop: {case.promise}") for case in HOPS),
]
