"""The origin side: HTTPS and unix sockets as origins, and answers that arrive in odd pieces."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.proxy.conftest import OK, Open, StartOrigin

CLOSE = b"GET / HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n"


async def test_an_answer_may_come_byte_by_byte(open_shield: Open, start_origin: StartOrigin) -> None:
    """However the origin's answer is cut, the client reads the same."""

    async def dribble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for byte in b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nETag: x\r\n\r\n3\r\nabc\r\n0\r\n\r\n":
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)

    shield = await open_shield(await start_origin(script=dribble))
    client = await shield.connect()
    client.send(CLOSE)
    head, body = await client.response()
    assert b"ETag: x" in head
    assert body == b"abc"


async def test_a_unix_socket_is_an_origin_too(open_shield: Open, tmp_path: Path) -> None:
    """An origin behind a unix socket is served like any other."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(serve, str(tmp_path / "origin"))
    shield = await open_shield(0, origin_terms={"unix": str(tmp_path / "origin")})
    assert (await shield.talk(CLOSE)).endswith(b"ok")
    server.close()
