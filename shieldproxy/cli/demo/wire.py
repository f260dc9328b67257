"""The wire: one HTTP/1.1 connection to the shield on loopback that claims an address by the PROXY protocol."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from typing import NamedTuple

from shieldproxy.cli.demo.loopback import loopback

Field = tuple[str, str]

# The longest page of the demo is some 30 KB; an answer beyond this is not from it.
MAX_BODY = 1 << 20
# A head is read as a whole; ours are below 2 KB.
MAX_HEAD = 1 << 15
# What a person waits for a page at most.
PATIENCE = 10.0


class WireError(Exception):
    """No whole answer came: the connection was closed, cut or silent.

    ``asked`` tells whether the request had left; one that never left is no request.
    """

    def __init__(self, why: str, *, asked: bool) -> None:
        super().__init__(why)
        self.asked = asked


class Answer(NamedTuple):
    """A whole answer. ``fields`` has lower-case names; of several of one name the last."""

    status: int
    fields: dict[str, str]
    body: bytes


class Target(NamedTuple):
    """Where the shield listens; ``site`` is the name that is asked for."""

    host: str
    port: int
    site: str


def announcement(source: str, source_port: int) -> bytes:
    """Return the PROXY line (version 1) that says a connection comes from ``source``."""
    family, here = ("TCP6", "::1") if ":" in source else ("TCP4", "127.0.0.1")
    return f"PROXY {family} {source} {here} {source_port} 443\r\n".encode("ascii")


def request_bytes(method: str, path: str, site: str, fields: Iterable[Field], body: bytes | None = None) -> bytes:
    """Return a request as bytes; Host comes first, as browsers send it."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {site}"]
    lines += [f"{name}: {value}" for name, value in fields]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")


class Link:
    """A connection that is opened when it is first used and again when the other side has closed it."""

    def __init__(self, target: Target, source: str, source_port: int) -> None:
        """``source`` is the claimed address; raises NotLoopbackError when ``target`` is not this machine."""
        self._host = loopback(target.host)
        self._target = target
        self._greeting = announcement(source, source_port)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self,
        method: str,
        path: str,
        fields: Iterable[Field],
        body: bytes | None = None,
        patience: float = PATIENCE,
    ) -> Answer:
        """Send a request and return the whole answer; raises WireError."""
        asked = False
        try:
            async with asyncio.timeout(patience):
                reader, writer = await self._connected()
                writer.write(request_bytes(method, path, self._target.site, fields, body))
                asked = True
                await writer.drain()
                answer = await read_answer(reader, method)
        except TimeoutError:
            await self.close()
            raise WireError(f"no answer within {patience:g} s", asked=asked) from None
        except (OSError, ValueError, EOFError, LookupError, asyncio.LimitOverrunError) as fault:
            await self.close()
            raise WireError(f"connection closed ({type(fault).__name__})", asked=asked) from None
        if answer.fields.get("connection", "").lower() == "close":
            await self.close()
        return answer

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        streams = self._streams
        if streams is not None and not (streams[0].at_eof() or streams[1].is_closing()):
            return streams
        await self.close()
        reader, writer = await asyncio.open_connection(self._host, self._target.port, limit=MAX_HEAD)
        writer.write(self._greeting)
        self._streams = (reader, writer)
        return reader, writer

    async def close(self) -> None:
        """Close the connection; it may be used again."""
        streams, self._streams = self._streams, None
        if streams is not None:
            streams[1].close()
            with contextlib.suppress(OSError):
                await streams[1].wait_closed()


async def read_answer(reader: asyncio.StreamReader, method: str) -> Answer:
    """Return the next whole answer (RFC 9112, 6.3).

    Raises ValueError, LookupError, EOFError or OSError
    where there is none.
    """
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split(" ", 2)[1])
    fields = {}
    for line in head[1:-2]:
        name, _, value = line.partition(":")
        fields[name.lower()] = value.strip()
    if method == "HEAD" or status in (204, 304) or status < 200:
        return Answer(status, fields, b"")
    if fields.get("transfer-encoding", "").lower() == "chunked":
        return Answer(status, fields, await _chunks(reader))
    if "content-length" in fields:
        return Answer(status, fields, await reader.readexactly(min(int(fields["content-length"]), MAX_BODY)))
    return Answer(status, fields, await reader.read(MAX_BODY))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        if len(body) + size > MAX_BODY:
            raise ValueError("longer than any page of ours")
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return body
