"""The control room on real sockets: health, faults, hostile bytes, a port, a unix socket."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from shieldproxy.control.node import Readiness, Status
from shieldproxy.control.server import ControlServer
from shieldproxy.core.errors import StartError
from shieldproxy.settings.endpoints import Listen
from tests.fakes.clock import HandClock
from tests.fakes.node import FakeNode

TOKEN = "f" * 64


async def words(session: aiohttp.ClientSession, path: str) -> tuple[int, str]:
    async with session.get(path) as answer:
        return answer.status, (await answer.text()).strip()


async def test_health_and_readiness_follow_the_node(anybody: aiohttp.ClientSession, node: FakeNode) -> None:
    """200 while the node lives and takes traffic, 503 when not, with the reason for those on the machine."""
    assert await words(anybody, "/healthz") == (200, "alive")
    assert await words(anybody, "/readyz") == (200, "ready")
    node.is_alive = False
    node.readiness = Readiness(ready=False, why="draining")
    assert await words(anybody, "/healthz") == (503, "not alive")
    assert await words(anybody, "/readyz") == (503, "not ready: draining")
    node.readiness = Readiness(ready=True, why="shared server: gone")
    assert await words(anybody, "/readyz") == (200, "ready\ndegraded: shared server: gone")


async def test_a_scrape_needs_no_token_on_loopback(anybody: aiohttp.ClientSession) -> None:
    """/metrics answers the text that Prometheus reads."""
    async with anybody.get("/metrics") as answer:
        assert answer.content_type == "text/plain"
        names = {family.name for family in text_string_to_metric_families(await answer.text())}
    assert "shieldproxy_requests" in names


async def test_a_path_nobody_serves_is_a_problem(operator: aiohttp.ClientSession) -> None:
    """Unknown paths and methods are answered as problems that name what there is."""
    async with operator.get("/api/v1/absent") as answer:
        assert (answer.status, answer.content_type) == (404, "application/problem+json")
    async with operator.put("/api/v1/bans") as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET, HEAD, POST"


class BrokenNode(FakeNode):
    def status(self) -> Status:
        raise RuntimeError("table is gone")


async def test_a_fault_of_ours_is_logged_once_a_minute_and_tells_nothing(clock: HandClock) -> None:
    """When the node fails to answer, the client gets a bare 500 and the log one line a minute."""
    room = ControlServer(BrokenNode(), Listen("127.0.0.1", 0), TOKEN, clock)
    await room.start()
    try:
        with capture_logs() as logged:
            async with aiohttp.ClientSession(
                f"http://{room.listen}", headers={"Authorization": f"Bearer {TOKEN}"}
            ) as session:
                for _ in range(3):
                    async with session.get("/api/v1/status") as answer:
                        assert answer.status == 500
                        assert "table" not in await answer.text()
    finally:
        await room.stop()
    assert [line["event"] for line in logged] == ["control request failed"]


async def send(listen: Listen, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(listen.host, listen.port)
    writer.write(data)
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(65_536), 5)
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \xff\xfe\r\n\r\n", b"401"),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", b"4"),
        (b"GET /healthz HTTP/1.0\r\n\r\n", b"200"),
        (b"GET http://evil.example/healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"421"),
        (b"GET /%ff%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"401"),
        (b"\x16\x03\x01\x00", b"400"),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", b"400"),
    ],
)
async def test_hostile_bytes_are_answered_and_forgotten(server: ControlServer, sent: bytes, status: bytes) -> None:
    """Broken and hostile requests get their refusal, and the next one is served."""
    with capture_logs():
        answer = await send(server.listen, sent)
    assert answer.split(b" ")[1].startswith(status)
    async with aiohttp.ClientSession(f"http://{server.listen}") as session:
        assert await words(session, "/healthz") == (200, "alive")


async def test_a_taken_port_is_named(server: ControlServer, node: FakeNode, clock: HandClock) -> None:
    """A control room that cannot listen says where, and leaves nothing behind."""
    second = ControlServer(node, server.listen, TOKEN, clock)
    with pytest.raises(StartError, match=f"control.listen {server.listen}: "):
        await second.start()
    await second.stop()


async def test_a_unix_socket_serves_its_owner_and_group(node: FakeNode, clock: HandClock, tmp_path: Path) -> None:
    """On a unix socket the mode is 0660, the API answers, and the file goes when the room closes."""
    path = tmp_path / "control.sock"
    room = ControlServer(node, Listen(path=str(path)), TOKEN, clock)
    await room.start()
    assert path.stat().st_mode & 0o777 == 0o660
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session:
        assert await words(session, "http://localhost/readyz") == (200, "ready")
    await room.stop()
    assert not path.exists()


async def test_a_socket_of_a_dead_node_is_replaced_and_that_of_a_living_one_is_not(
    node: FakeNode, clock: HandClock, tmp_path: Path
) -> None:
    """A file left behind does not stop a start; another node's socket does, and stays."""
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    first = ControlServer(node, Listen(path=str(path)), TOKEN, clock)
    await first.start()
    second = ControlServer(node, Listen(path=str(path)), TOKEN, clock)
    with pytest.raises(StartError, match="another node listens there"):
        await second.start()
    await second.stop()
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session:
        assert await words(session, "http://localhost/healthz") == (200, "alive")
    await first.stop()


async def test_a_file_that_is_no_socket_is_left_alone(node: FakeNode, clock: HandClock, tmp_path: Path) -> None:
    """A place that is an ordinary file stops the start and keeps its content."""
    path = tmp_path / "precious"
    path.write_text("precious")
    with pytest.raises(StartError, match=r"control\.listen unix:"):
        await ControlServer(node, Listen(path=str(path)), TOKEN, clock).start()
    assert path.read_text() == "precious"


async def test_stopping_ends_the_listening(node: FakeNode, clock: HandClock) -> None:
    """After stop nobody is answered."""
    room = ControlServer(node, Listen("127.0.0.1", 0), TOKEN, clock)
    await room.start()
    await room.stop()
    await room.stop()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(room.listen.host, room.listen.port)
