"""Who comes in a soak, and how each of them behaves. Every request that is sent is counted once.

Connections are not used for several requests where the node may hang up: who sends a request again because the first
one met a closed connection has sent two, and nobody could say how many arrived.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import random
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple

import aiohttp

from benchmarks.addresses import claimed_address
from benchmarks.answers import ANSWER_PATH
from benchmarks.browser import FIELDS, request_bytes
from shieldproxy.core.puzzles import solve

PATIENCE = aiohttp.ClientTimeout(30.0)
STRANGERS = 2_000
"""How many there are: they come again and again, so that a node has met them all when it is warm."""
PIECES, PIECE_S = 4, 0.25
BITE = 32 << 10
MESSAGES = 20
UPLOAD = 256 << 10
PUZZLE = re.compile(rb'\{"parameters":\{.*?\},"signature":"[0-9a-f]{64}"\}')
COOKIE = re.compile(r"^([^=;]+=[^;]*)")


class Stage:
    """Where they meet, and what is counted. ``over`` once the time is up: whoever is about finishes and goes."""

    def __init__(self, port: int, seconds: float) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.sent: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self.hurt = 0
        self.chance = random.Random(5)
        self._end = time.monotonic() + seconds
        self._strangers = 0

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._end

    def stranger(self) -> str:
        """The address of the next one."""
        self._strangers += 1
        return claimed_address(self._strangers % STRANGERS)

    def took(self, who: str, what: object, *, hurt: bool = False) -> None:
        """Count what came of a request."""
        self.answers[f"{who} {what}"] += 1
        self.hurt += hurt

    async def ask(  # noqa: PLR0913 - the parts of a request
        self,
        session: aiohttp.ClientSession,
        who: str,
        client: str,
        path: str,
        *,
        body: bytes | None = None,
        cookie: str = "",
    ) -> tuple[int, bytes, str]:
        """Send one request; its status (0: hung up), its body, and the cookie it set."""
        headers = {name: value for name, value in FIELDS if name != "Cookie"} | {"X-Forwarded-For": client}
        if cookie:
            headers["Cookie"] = cookie
        method = "GET" if body is None else "POST"
        self.sent[who] += 1
        try:
            async with session.request(
                method, self.url + path, data=body, headers=headers, allow_redirects=False
            ) as answer:
                found = COOKIE.match(answer.headers.get("Set-Cookie", ""))
                self.took(who, answer.status)
                return answer.status, await answer.read(), found[1] if found else ""
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            self.took(who, "hung up")
            return 0, b"", ""
        except (TimeoutError, aiohttp.ClientError) as error:
            self.took(who, type(error).__name__, hurt=True)
            return 0, b"", ""


class Actor(NamedTuple):
    """A kind of visitor: one `scene` after the other, with `pause` seconds between, by `copies` of them at a time."""

    name: str
    scene: Callable[[Stage, aiohttp.ClientSession, int], Awaitable[None]]
    pause: float
    copies: int = 1


async def act(stage: Stage, actor: Actor) -> None:
    """Play until the time is up, and end the scene that has begun."""
    number = 0
    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=PATIENCE, cookie_jar=aiohttp.DummyCookieJar()) as one:
        while not stage.over:
            number += 1
            await actor.scene(stage, one, number)
            await asyncio.sleep(actor.pause)


async def person(stage: Stage, session: aiohttp.ClientSession, number: int) -> None:
    """Is challenged, answers, and reads eight pages."""
    client = f"198.51.100.{number % 250}"
    status, page, _ = await stage.ask(session, "person", client, "/")
    puzzle = PUZZLE.search(page)
    if status != 503 or puzzle is None:
        stage.took("person", f"not challenged but {status}", hurt=True)
        return
    document = json.loads(puzzle[0])
    answer = {"challenge": document, "solution": {"counter": solve(document)}}
    body = base64.b64encode(json.dumps(answer).encode())
    status, _, cookie = await stage.ask(session, "person", client, ANSWER_PATH, body=body)
    if status != 200 and not cookie:
        stage.took("person", "answer refused", hurt=True)
        return
    for step in range(8):
        path = ("/page", "/large", "/slow", "/style.css")[step % 4]
        status, _, _ = await stage.ask(session, "person", client, path, cookie=cookie)
        if status != 200:
            stage.took("person", f"no page but {status}", hurt=True)


async def stranger(stage: Stage, session: aiohttp.ClientSession, _: int) -> None:
    """Asks once and answers nothing."""
    await stage.ask(session, "stranger", stage.stranger(), "/page")


async def flood(stage: Stage, session: aiohttp.ClientSession, number: int) -> None:
    """Asks on and on, is told to wait, and earns a ban."""
    await stage.ask(session, "flood", f"203.0.113.{number // 500 % 4}", "/page")


async def refused(stage: Stage, session: aiohttp.ClientSession, _: int) -> None:
    """Asks for what a rule refuses."""
    await stage.ask(session, "refused", stage.stranger(), "/closed/door")


async def forger(stage: Stage, session: aiohttp.ClientSession, _: int) -> None:
    """Sends an answer to a challenge that nobody gave."""
    await stage.ask(session, "forger", stage.stranger(), ANSWER_PATH, body=b"eyJjaGFsbGVuZ2UiOnt9fQ==")


async def uploader(stage: Stage, session: aiohttp.ClientSession, number: int) -> None:
    """Sends a file and reads its hash."""
    body = hashlib.shake_128(b"%d" % number).digest(UPLOAD)
    status, said, _ = await stage.ask(session, "uploader", stage.stranger(), "/open/upload", body=body)
    if status == 200 and said.decode() != hashlib.sha256(body).hexdigest():
        stage.took("uploader", "another hash", hurt=True)


async def talker(stage: Stage, session: aiohttp.ClientSession, _: int) -> None:
    """Talks through a WebSocket; its request is over when the talk is."""
    stage.sent["talker"] += 1
    headers = {"X-Forwarded-For": stage.stranger()}
    try:
        async with session.ws_connect(stage.url + "/open/echo", headers=headers) as socket:
            for turn in range(MESSAGES):
                said = bytes([turn]) * 1_000
                await socket.send_bytes(said)
                if await socket.receive_bytes(timeout=20.0) != said:
                    stage.took("talker", "another echo", hurt=True)
                await asyncio.sleep(0.05)
        stage.took("talker", 101)
    except aiohttp.WSServerHandshakeError as error:
        stage.took("talker", error.status)
    except (aiohttp.ClientError, TimeoutError, TypeError) as error:
        stage.took("talker", type(error).__name__, hurt=True)


async def slow_writer(stage: Stage, _: aiohttp.ClientSession, __: int) -> None:
    """Sends its head in pieces and reads the answer a little at a time."""
    request = request_bytes(
        "/open/large", f"127.0.0.1:{stage.port}", extra=(("X-Forwarded-For", stage.stranger()), ("Connection", "close"))
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    try:
        size = -(-len(request) // PIECES)
        for start in range(0, len(request), size):
            writer.write(request[start : start + size])
            await asyncio.sleep(PIECE_S)
        stage.sent["slow"] += 1
        status = (await asyncio.wait_for(reader.readline(), 20.0))[9:12].decode()
        bite = status
        while bite:
            bite = (await asyncio.wait_for(reader.read(BITE), 20.0))[:1].decode("latin-1")
            await asyncio.sleep(PIECE_S / 4)
        stage.took("slow", status or "hung up")
    except (OSError, TimeoutError) as error:
        stage.took("slow", type(error).__name__, hurt=True)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def silent(stage: Stage, _: aiohttp.ClientSession, __: int) -> None:
    """Connects and says nothing until it is sent away, which is no request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    with suppress(OSError, TimeoutError):
        await asyncio.wait_for(reader.read(1), 20.0)
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


CAST = (
    Actor("person", person, 0.2, copies=4),
    Actor("stranger", stranger, 0.02, copies=2),
    Actor("flood", flood, 0.01),
    Actor("refused", refused, 0.2),
    Actor("forger", forger, 0.2),
    Actor("uploader", uploader, 0.3),
    Actor("talker", talker, 0.3, copies=2),
    Actor("slow", slow_writer, 0.2, copies=4),
    Actor("silent", silent, 0.1, copies=8),
)
