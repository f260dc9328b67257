"""Our own load generator against a small server on port 0."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from benchmarks.load import main, send
from benchmarks.loopback import Target
from benchmarks.plan import Plan, Via

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Site:
    """A server that notes who asked for what and gives each request the same answer."""

    def __init__(self, answer: bytes, *, closes: bool = False) -> None:
        self.answer = answer
        self.closes = closes
        self.peers: list[str] = []
        self.heads: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.peers.append(writer.get_extra_info("peername")[0])
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if head.startswith(b"\r\n\r\n"):  # the first bytes of a PROXY protocol v2 header look like an end
                    head += await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                writer.write(self.answer)
                if self.closes:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()


@asynccontextmanager
async def standing(site: Site) -> AsyncIterator[Target]:
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    async with server:
        yield Target("127.0.0.1", server.sockets[0].getsockname()[1], "/x")


async def test_sends_exactly_as_many_as_planned() -> None:
    """The count bounds the run, and every answer is counted by its status."""
    site = Site(OK)
    async with standing(site) as target:
        reading = await send(Plan(target, count=103, connections=5))
    assert (reading.requests, reading.refused, reading.errors) == (103, 0, {})
    assert reading.statuses == {"200": 103}
    assert len(site.heads) == 103
    assert len(site.peers) == 5
    assert 0 < reading.p50_us <= reading.p99_us


async def test_ends_when_its_time_is_over() -> None:
    """The time bounds the run when the count does not."""
    async with standing(Site(OK)) as target:
        reading = await asyncio.wait_for(send(Plan(target, seconds=0.2, connections=2)), 10)
    assert reading.requests > 0
    assert reading.seconds >= 0.2


async def test_a_silent_server_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not answered some time after the end is an error, not a hang."""
    monkeypatch.setattr("benchmarks.load.GRACE", 0.1)
    async with standing(Site(b"")) as target:
        reading = await asyncio.wait_for(send(Plan(target, seconds=0.1, connections=3)), 10)
    assert (reading.requests, reading.errors) == (0, {"timeout": 3})


@pytest.mark.parametrize(
    ("answer", "closes", "status"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", False, "200"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", False, "204"),
        (b"HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", True, "429"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", True, "200"),
    ],
)
async def test_understands_how_answers_end(answer: bytes, closes: bool, status: str) -> None:  # noqa: FBT001
    """Chunked, bodiless, closing and lengthless answers are each one answer."""
    async with standing(Site(answer, closes=closes)) as target:
        reading = await send(Plan(target, count=7, connections=2))
    assert (reading.statuses, reading.errors) == ({status: 7}, {})
    assert reading.refused == (7 if status == "429" else 0)


async def test_counts_what_goes_wrong() -> None:
    """A server that hangs up without an answer, or speaks something else, is an error by name."""
    async with standing(Site(b"", closes=True)) as target:
        reading = await send(Plan(target, count=4, connections=1))
    assert reading.requests == 0
    assert sum(reading.errors.values()) == 4
    async with standing(Site(b"SSH-2.0-something\r\n")) as target:
        reading = await send(Plan(target, count=4, connections=1))
    assert reading.errors == {"not-http": 4}


async def test_a_closed_port_is_an_error_not_a_storm() -> None:
    """Refused connections are counted and tried again slowly until the time is over."""
    async with standing(Site(OK)) as target:
        pass
    reading = await send(Plan(target, seconds=0.2, connections=1))
    assert reading.requests == 0
    assert 0 < sum(reading.errors.values()) <= 21


async def test_many_source_addresses() -> None:
    """Each connection comes from a loopback address of its own."""
    site = Site(OK)
    async with standing(site) as target:
        reading = await send(
            Plan(target, count=40, connections=4, clients=20, via=Via.SOURCE, per_connection=2),
        )
    assert reading.clients == len(set(site.peers)) == 20
    assert reading.statuses == {"200": 40}


async def test_claimed_addresses_by_proxy_protocol() -> None:
    """Each connection starts with a PROXY protocol v2 header of its own."""
    site = Site(OK)
    async with standing(site) as target:
        await send(Plan(target, count=6, connections=2, clients=6, via=Via.PROXY, per_connection=1))
    headers = {head[:28] for head in site.heads}
    assert len(headers) == 6
    assert all(header.startswith(b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c") for header in headers)


@pytest.mark.parametrize("via", [Via.FORWARDED, Via.FORWARDED_V6, Via.ONE_SITE])
async def test_claimed_addresses_by_field(via: Via) -> None:
    """Each request names a client of its own in X-Forwarded-For."""
    site = Site(OK)
    async with standing(site) as target:
        reading = await send(Plan(target, count=30, connections=2, clients=10, via=via))
    named = [head.split(b"X-Forwarded-For: ")[1].split(b"\r\n")[0] for head in site.heads]
    assert len(named) == 30
    assert len(set(named)) == reading.clients == 10


def test_by_hand_it_refuses_other_machines() -> None:
    """The command line has the same guard and says why."""
    outcome = CliRunner().invoke(main, ["http://192.0.2.1/", "--count", "1"])
    assert outcome.exit_code == 2
    assert "not a loopback address" in outcome.output


def test_by_hand_it_prints_one_json_object() -> None:
    """What the comparison reads is what a person sees: one object."""
    outcome = CliRunner().invoke(main, ["http://127.0.0.1:1/", "--count", "1", "--seconds", "0.05"])
    assert outcome.exit_code == 0
    assert json.loads(outcome.output)["requests"] == 0
