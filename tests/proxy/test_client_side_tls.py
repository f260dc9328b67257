"""The client side under TLS: the same promises, and handshakes that end in time."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import ssl
from pathlib import Path

import pytest

from shieldproxy.core.buckets import Limit, Scope
from shieldproxy.core.policy import Policy
from shieldproxy.core.verdict import Action
from tests.proxy.authority import Authority
from tests.proxy.conftest import Client, Open, RawOrigin, Shield, StartOrigin, until

HOST = b"Host: site.example\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
CLOSE = b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Who signed the site's certificate."""
    return Authority(tmp_path)


async def secure(shield: Shield, authority: Authority) -> Client:
    """Return a client that speaks TLS."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", shield.port, ssl=authority.client(), server_hostname="site.example"
    )
    shield.clients.append(Client(reader, writer))
    return shield.clients[-1]


async def test_requests_come_over_tls(open_shield: Open, origin: RawOrigin, authority: Authority) -> None:
    """Kept, pipelined and closed as in clear text; the origin is told https, the record the version of TLS."""
    shield = await open_shield(origin, tls=authority.server("site.example"))
    client = await secure(shield, authority)
    client.send(GET * 3 + CLOSE)
    for _ in range(4):
        assert (await client.response())[1] == b"ok"
    assert await client.read_all() == b""
    assert b"X-Forwarded-Proto: https\r\n" in origin.heads[0]
    assert shield.journal.records[0].tls == "TLSv1.3"


async def test_a_large_answer_comes_whole_to_a_slow_reader(
    open_shield: Open, start_origin: StartOrigin, authority: Authority
) -> None:
    """Back-pressure holds through TLS, and every byte arrives."""
    body = os.urandom(8 << 20)
    origin = await start_origin(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    shield = await open_shield(origin, tls=authority.server("site.example"))
    client = await secure(shield, authority)
    client.send(CLOSE)
    await client.reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(0.3)
    got = hashlib.sha256()
    while piece := await client.reader.read(65_536):
        got.update(piece)
    assert got.digest() == hashlib.sha256(body).digest()


async def test_refusals_are_read_over_tls(open_shield: Open, origin: RawOrigin, authority: Authority) -> None:
    """A malformed message and an upload that is refused halfway hear why."""
    limit = Limit("client", Scope.CLIENT, 0.001, 1, Action.THROTTLE)
    shield = await open_shield(origin, policy=Policy(limits=(limit,)), tls=authority.server("site.example"))
    for data, status in [
        (b"nonsense\r\n\r\n", b"400"),
        (CLOSE, b"200"),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 100000\r\n\r\n" + bytes(30_000), b"429"),
    ]:
        client = await secure(shield, authority)
        client.send(data)
        assert (await client.response())[0].split()[1] == status
        with contextlib.suppress(ssl.SSLError):
            assert await client.read_all() == b""
    await until(lambda: shield.door.open_connections == 0)


async def test_a_handshake_that_hangs_ends(open_shield: Open, origin: RawOrigin, authority: Authority) -> None:
    """Silence, half a ClientHello, and clear text to a port of TLS are let go in the time of a handshake."""
    shield = await open_shield(origin, terms={"handshake": 0.4}, tls=authority.server("site.example"))
    for data in (b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", CLOSE):
        answer = await shield.talk(data)
        assert b"HTTP/" not in answer
    assert shield.door.open_connections == 0
    client = await secure(shield, authority)
    client.send(CLOSE)
    assert (await client.response())[1] == b"ok"


async def test_a_slow_head_and_a_slow_body_end_over_tls(
    open_shield: Open, origin: RawOrigin, authority: Authority
) -> None:
    """As in clear text: the head is closed, the body told."""
    shield = await open_shield(origin, terms={"header": 0.4, "body_idle": 0.4}, tls=authority.server("site.example"))
    slow_head, slow_body = await secure(shield, authority), await secure(shield, authority)
    slow_head.send(b"GET / HT")
    slow_body.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nab")
    assert await slow_head.read_all() == b""
    assert (await slow_body.response())[0].startswith(b"HTTP/1.1 408 ")
