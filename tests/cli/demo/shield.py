"""A small stand-in for the shield on a real socket: PROXY line, requests, the real gate, and what it is told to say."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from shieldproxy.cli.demo.wire import Target
from shieldproxy.core.clearance import Clearance
from shieldproxy.core.facts import Request
from shieldproxy.guard.replies import Reply
from tests.fakes.clock import HandClock
from tests.guard.at_the_gate import CHALLENGE, gate
from tests.scenes import visitor

SITE = "www.beispielhausen.example"


@dataclass
class Shield:
    """Challenges pages when ``challenging``; answers paths in ``says`` with that status; all else is served."""

    challenging: bool = False
    says: dict[str, int] = field(default_factory=dict)
    hang_up: bool = False
    heard: list[Request] = field(default_factory=list)
    claimed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        # A clock that runs ahead of the form's time-lock, so that no test waits for a button.
        self.clock = HandClock(1_000_000.0)
        self.gate = gate(self.clock)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Target]:
        """Serve on a free port of loopback."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield Target("127.0.0.1", server.sockets[0].getsockname()[1], SITE)
        finally:
            server.close()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            words = (await reader.readuntil(b"\r\n")).decode().split()
            self.claimed.append(words[2])
            while True:
                asked, body = await read_request(reader)
                self.heard.append(asked)
                if self.hang_up:
                    break
                reply = self.answer(words[2], asked, body)
                lines = "".join(f"{n.decode()}: {v.decode()}\r\n" for n, v in reply.headers)
                writer.write(f"HTTP/1.1 {reply.status} X\r\n{lines}Content-Length: {len(reply.body)}\r\n\r\n".encode())
                writer.write(reply.body)
        writer.close()

    def answer(self, address: str, asked: Request, body: bytes) -> Reply:
        """Return what is said to ``address``."""
        who = visitor(address)
        if self.gate.is_own(asked.path):
            return self.gate.serve(who, asked, body, "ID", secure=False).reply
        if asked.path in self.says:
            return Reply(self.says[asked.path], (), b"")
        cookies, agent = asked.headers.get(b"cookie", b""), asked.headers[b"user-agent"]
        cleared = isinstance(self.gate.read_clearance(cookies, who, agent), Clearance)
        if self.challenging and not cleared and b"text/html" in asked.headers[b"accept"]:
            page = self.gate.challenge(who, asked, CHALLENGE, "ID")
            self.clock.advance(4.0)
            return page
        return Reply(200, (), b"served")


async def read_request(reader: asyncio.StreamReader) -> tuple[Request, bytes]:
    """Return the next request and its body."""
    lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    method, target, _ = lines[0].decode().split(" ")
    headers = {name.lower(): value for name, value in (line.split(b": ", 1) for line in lines[1:-2])}
    body = await reader.readexactly(int(headers.get(b"content-length", b"0")))
    path, _, query = target.partition("?")
    return Request(method, SITE, path, query, "1.1", headers), body
