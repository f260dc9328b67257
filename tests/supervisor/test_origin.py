"""The origin's health: a connection says it is up, and when it is not, the reason is in words."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from shieldproxy.settings.endpoints import OriginUrl
from shieldproxy.supervisor.origin import Health, knock, reason


async def test_an_origin_that_accepts_is_up() -> None:
    """It is connected to and let go of; not a byte is sent, so it logs no request."""
    received: list[bytes] = []
    ended = asyncio.Event()

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read())
        writer.close()
        await writer.wait_closed()
        ended.set()

    server = await asyncio.start_server(keep, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await knock(OriginUrl("http", "127.0.0.1", port), 5.0) == Health(up=True)
        assert await knock(OriginUrl("https", "localhost", port), 5.0) == Health(up=True)
        await asyncio.wait_for(ended.wait(), 5)
    assert set(received) == {b""}


async def test_a_unix_origin_is_asked_too(tmp_path: Path) -> None:
    """Its path is what counts, whatever the host."""
    path = tmp_path / "o"
    assert await knock(OriginUrl("unix", "", 0, str(path)), 5.0) == Health(up=False, why="No such file or directory")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        assert await knock(OriginUrl("unix", "", 0, str(path)), 5.0) == Health(up=True)


async def test_an_origin_that_refuses_is_down() -> None:
    """The reason is the system's, without the address said twice."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        found = await knock(OriginUrl("http", "127.0.0.1", port), 5.0)
    assert found == Health(up=False, why="Connection refused")


async def test_a_name_nobody_knows_is_down() -> None:
    """A name that does not resolve is a reason like any other."""
    found = await knock(OriginUrl("http", "origin.invalid", 80), 5.0)
    assert found.up is False
    assert found.why


async def test_an_origin_that_stays_silent_is_down() -> None:
    """A queue that is full takes no connection: the probe gives up when its patience is over."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(deaf.getsockname())
            found = await knock(OriginUrl("http", *deaf.getsockname()), 0.2)
        finally:
            for filler in fillers:
                filler.close()
    assert found == Health(up=False, why="no connection within 0.2 s")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 1)"), "Connection refused"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (OSError("Multiple exceptions: one, two"), "Multiple exceptions: one, two"),
    ],
)
def test_a_reason_is_in_words(error: OSError, words: str) -> None:
    """Numbers of the system become its words; what has no number speaks for itself."""
    assert reason(error) == words
