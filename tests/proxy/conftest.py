"""The main door on a real socket, with fakes for what it remembers and a raw-socket origin that says what it is told."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import ssl
import struct
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import uvloop

from shieldproxy.core.facts import Crawler, NetworkLabel
from shieldproxy.core.policy import Policy
from shieldproxy.guard.appearance import Appearance
from shieldproxy.guard.gate import Gate
from shieldproxy.guard.gathering import Gatherer
from shieldproxy.guard.guard import Guard
from shieldproxy.guard.phrasebook import Phrasebook
from shieldproxy.guard.replies import Replies
from shieldproxy.proxy.certificates import Certificates
from shieldproxy.proxy.dialling import Resolve, resolve
from shieldproxy.proxy.door import Door
from shieldproxy.proxy.pool import Pool
from shieldproxy.proxy.terms import OriginTerms, Terms
from shieldproxy.state.keys import KeyRing
from tests.fakes.bans import DictBans
from tests.fakes.buckets import DictBuckets
from tests.fakes.chance import CountedChance
from tests.fakes.journal import ListJournal
from tests.fakes.networks import TableNetworks
from tests.fakes.newcomers import CountedNewcomers, CountedTraits
from tests.fakes.puzzles import DictPuzzles
from tests.fakes.situation import SetSituation
from tests.fakes.tallies import CountedTallies

LoopFactory = Callable[[], asyncio.AbstractEventLoop]
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, LoopFactory]:
    """Run these tests on the loop that workers run on."""
    return {"uvloop": uvloop.new_event_loop}


class RawOrigin:
    """An origin that keeps every byte it was sent and answers with what the test says, request after request.

    ``answers`` are sent in order, the last one again and again; a Script takes the connection over instead.
    """

    def __init__(self, *answers: bytes, script: Script | None = None) -> None:
        self.answers = list(answers) or [OK]
        self.script = script
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.received = b""
        self.connections = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> RawOrigin:
        self._server = await asyncio.start_server(self._serve, host, port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        try:
            if self.script is not None:
                await self.script(reader, writer)
            else:
                await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head, body = await self.read_request(reader)
            self.heads.append(head)
            self.bodies.append(body)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            writer.write(answer)
            await writer.drain()
            if b"Connection: close" in answer or not answer:
                return

    async def read_request(self, reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
        """Return the next request's head and body, read as the framing says; every byte is kept too."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.received += head
        body = b""
        lower = head.lower()
        if b"\r\ntransfer-encoding: chunked" in lower:
            while True:
                line = await reader.readuntil(b"\r\n")
                chunk = await reader.readexactly(int(line, 16) + 2)
                self.received += line + chunk
                if line == b"0\r\n":
                    break
                body += chunk[:-2]
        elif b"\r\ncontent-length: " in lower:
            length = int(lower.partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0])
            body = await reader.readexactly(length)
            self.received += body
        return head, body


def answering_when(event: asyncio.Event) -> Script:
    """Return a script that answers each request, but nobody before ``event`` is set."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            await event.wait()
            writer.write(OK)

    return answer


async def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    """Return as soon as ``true`` is; fail after ``seconds``."""
    for _ in range(int(seconds * 100)):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come true in time")


@dataclass
class Shield:
    """A running door and everything a test may want to look at."""

    door: Door
    port: int
    journal: ListJournal
    tallies: CountedTallies
    bans: DictBans
    buckets: DictBuckets
    situation: SetSituation
    failures: list[tuple[int, str]] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)

    async def connect(self, limit: int = 1 << 20, *, source: str = "127.0.0.1", receive_buffer: int = 0) -> Client:
        """Return a new connection from ``source``; with a ``receive_buffer`` of so many bytes in the kernel."""
        ours = socket.socket()
        ours.setblocking(False)
        if receive_buffer:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        ours.bind((source, 0))
        await asyncio.get_running_loop().sock_connect(ours, ("127.0.0.1", self.port))
        reader, writer = await asyncio.open_connection(sock=ours, limit=limit)
        client = Client(reader, writer)
        self.clients.append(client)
        return client

    async def close(self) -> None:
        for client in self.clients:
            await client.closed()
        await self.door.drain(0.0)

    async def talk(self, data: bytes, *, half_close: bool = False) -> bytes:
        """Send ``data`` on a new connection and return all that comes back until the end of it (or 5 s of silence)."""
        client = await self.connect()
        try:
            client.writer.write(data)
            if half_close:
                client.writer.write_eof()
            return await client.read_all()
        finally:
            client.close()

    async def settled(self, count: int = 1) -> None:
        """Return when ``count`` records are written."""
        for _ in range(500):
            if len(self.journal.records) >= count:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"{len(self.journal.records)} records, not {count}")


@dataclass
class Client:
    """A raw client."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def response(self) -> tuple[bytes, bytes]:
        """Return the next response, head and body, read as its framing says."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)
        lower = head.lower()
        if b"transfer-encoding: chunked" in lower:
            body = b""
            while size := int(await self.reader.readuntil(b"\r\n"), 16):
                body += await self.reader.readexactly(size)
                await self.reader.readexactly(2)
            await self.reader.readexactly(2)
            return head, body
        if b"\r\ncontent-length: " in lower:
            length = int(lower.partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0])
            return head, await asyncio.wait_for(self.reader.readexactly(length), 5)
        return head, b""

    async def read_all(self, silence: float = 5.0) -> bytes:
        """Return everything until the connection ends."""
        data = b""
        with contextlib.suppress(ConnectionError):
            while piece := await asyncio.wait_for(self.reader.read(65536), silence):
                data += piece
        return data

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        """End the connection with a reset: a FIN alone may be the half-close of a client that still listens."""
        ours = self.writer.get_extra_info("socket")
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def closed(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


StartOrigin = Callable[..., Awaitable[RawOrigin]]


@pytest.fixture
async def start_origin() -> AsyncIterator[StartOrigin]:
    """A function that starts an origin with answers or with a script."""
    started: list[RawOrigin] = []

    async def start_one(
        *answers: bytes,
        script: Script | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> RawOrigin:
        started.append(await RawOrigin(*answers, script=script).start(host, port, tls))
        return started[-1]

    yield start_one
    for running in started:
        await running.stop()


@pytest.fixture
async def origin(start_origin: StartOrigin) -> RawOrigin:
    """An origin that answers 200 and ``ok``."""
    return await start_origin()


Open = Callable[..., Awaitable[Shield]]


@pytest.fixture
async def open_shield() -> AsyncIterator[Open]:
    """A function that opens a door before an origin, with a policy and with terms that differ from the defaults."""
    opened: list[Shield] = []
    raised: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: raised.extend(ours_in(context)))

    async def open_one(
        origin: RawOrigin | int,
        *,
        policy: Policy | None = None,
        terms: dict[str, object] | None = None,
        origin_terms: dict[str, object] | None = None,
        networks: dict[str, NetworkLabel] | None = None,
        resolver: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> Shield:
        port = origin if isinstance(origin, int) else origin.port
        shield = make_shield(
            policy or Policy(digest="test"),
            replace(Terms(), **(terms or {})),  # type: ignore[arg-type]
            replace(OriginTerms(host="127.0.0.1", port=port), **(origin_terms or {})),  # type: ignore[arg-type]
            networks or {},
            resolver,
        )
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        shield.port = listening.getsockname()[1]
        await shield.door.open([listening], Certificates(tls) if tls is not None else None)
        opened.append(shield)
        return shield

    yield open_one
    for shield in opened:
        await shield.close()
    assert not raised, "".join(raised)


def ours_in(context: dict[str, Any]) -> list[str]:
    """Return the traceback of what a callback raised, when it was raised in the product."""
    error = context.get("exception")
    lines = traceback.format_exception(error) if isinstance(error, BaseException) else []
    return lines if any("/shieldproxy/" in line for line in lines) else []


def make_shield(
    policy: Policy,
    terms: Terms,
    origin_terms: OriginTerms,
    table: dict[str, NetworkLabel],
    resolver: Resolve = resolve,
) -> Shield:
    """Wire a door as app.py does, with fakes for what is remembered."""
    buckets, bans, journal, tallies = DictBuckets(), DictBans(), ListJournal(), CountedTallies()
    situation = SetSituation()
    numbers = itertools.count(1)
    phrasebook = Phrasebook()
    replies = Replies(Appearance(), phrasebook)
    gate = Gate(
        policy.challenge,
        KeyRing((bytes(32),)),
        appearance=Appearance(),
        phrasebook=phrasebook,
        replies=replies,
        own_path="/.shieldproxy",
        spent=DictPuzzles(),
        clock=time.time,
        chance=CountedChance(),
    )
    guard = Guard(
        policy,
        gatherer=Gatherer(
            buckets=buckets,
            bans=bans,
            gate=gate,
            situation=situation,
            recognise=lambda _label, _agent: Crawler.NONE,
            own_path="/.shieldproxy",
        ),
        gate=gate,
        replies=replies,
        networks=TableNetworks(table),
        buckets=buckets,
        bans=bans,
        journal=journal,
        tallies=tallies,
        newcomers=CountedNewcomers(),
        traits=CountedTraits(),
        clock=time.monotonic,
        wall=time.time,
        node="test-0",
        next_id=lambda: f"id-{next(numbers)}",
        on_ban=lambda _ban, _visit: None,
        on_fault=lambda fault: pytest.fail(f"stage {fault.stage}: {fault.error}"),
    )
    failures: list[tuple[int, str]] = []
    doors: list[Door] = []
    pool = Pool(origin_terms, clock=time.monotonic, spawn=lambda work: doors[0].spawn(work), resolver=resolver)
    door = Door(
        terms,
        guard=guard,
        pool=pool,
        tallies=tallies,
        clock=time.monotonic,
        wall=time.time,
        pace=None,
        max_pacing=0,
        on_failure=lambda status, why, _side: failures.append((status, why)),
    )
    doors.append(door)
    return Shield(door, 0, journal, tallies, bans, buckets, situation, failures)
