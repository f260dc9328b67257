"""The client of the control room before things that are no node."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from shieldproxy.cli.client import (
    DeclinedError,
    FailedError,
    NodeClient,
    NoError,
    UnreachableError,
    segment,
    url_of,
)
from shieldproxy.settings.endpoints import Listen
from tests.fakes.control_room import ControlRoom


def answering(answer: bytes) -> tuple[Listen, Callable[[], None]]:
    """Return where a one-shot server answers ``answer``, and what to call when done."""
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]

    def serve() -> None:
        connection, _ = server.accept()
        server.close()  # a client that tries again finds nobody
        with connection:
            connection.recv(65_536)
            connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()

    return Listen("127.0.0.1", port), lambda: thread.join(5)


def http(status: str, body: bytes, kind: str = "application/json") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("answer", "error", "told"),
    [
        (http("200 OK", b"<html>", "text/html"), UnreachableError, "is no shieldproxy node"),
        (http("200 OK", b"{"), UnreachableError, "speaks no JSON"),
        (http("302 Found", b"", "text/plain"), UnreachableError, "is no shieldproxy node"),
        (b"SSH-2.0-OpenSSH\r\n", UnreachableError, "no node answers at 127.0.0.1"),
        (b"", UnreachableError, "no node answers at 127.0.0.1"),
        (http("500 X", b'{"detail": "broke"}', "application/problem+json"), FailedError, "broke"),
        (http("404 X", b'{"detail": "not there"}', "application/problem+json"), NoError, "not there"),
        (http("422 X", b'{"detail": "wrong"}', "application/problem+json"), DeclinedError, "wrong"),
        (http("422 X", b"[]"), DeclinedError, "answered 422"),
    ],
)
def test_whatever_answers_is_understood_or_said_to_be_no_node(answer: bytes, error: type[Exception], told: str) -> None:
    """Another program on the port, a broken answer and a refusal each end in their own plain sentence."""
    listen, close = answering(answer)
    with pytest.raises(error, match=told) as caught:
        NodeClient(listen, "f" * 64).call("GET", "status")
    close()
    assert type(caught.value) is error


def test_a_node_that_is_silent_is_not_waited_for() -> None:
    """A port that accepts and says nothing is given up after the patience."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = NodeClient(Listen("127.0.0.1", server.getsockname()[1]), "f" * 64)
        with pytest.raises(UnreachableError, match=r"did not answer within 0\.1 s"):
            client.call("GET", "status", patience=0.1)


def test_a_unix_socket_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A control socket that does not exist is exit 3 with its path."""
    with pytest.raises(UnreachableError, match=r"unix:.*absent\.sock \(No such file or directory\)") as caught:
        NodeClient(Listen(path=str(tmp_path / "absent.sock")), "f" * 64).call("GET", "status")
    assert caught.value.exit_code == 3


def test_a_node_on_a_unix_socket_is_asked(tmp_path: Path) -> None:
    """A control room on a socket answers commands like one on a port."""
    room = ControlRoom(tmp_path, Listen(path=str(tmp_path / "control.sock")))
    client = NodeClient(room.listen, room.token_file.read_text().strip())
    assert client.call("GET", "status")["node"] == "shield-1"
    room.close()


def test_no_proxy_of_the_environment_is_asked(room: ControlRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    """The node is asked directly, whatever http_proxy says."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    token = room.token_file.read_text().strip()
    assert NodeClient(room.listen, token).call("GET", "status")["node"] == "shield-1"


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        (Listen("127.0.0.1", 9100), "http://127.0.0.1:9100"),
        (Listen("0.0.0.0", 9100), "http://127.0.0.1:9100"),
        (Listen("::", 9100), "http://[::1]:9100"),
        (Listen(path="/run/x.sock"), "http://localhost"),
    ],
)
def test_every_address_of_this_machine_is_asked_on_loopback(listen: Listen, url: str) -> None:
    """A control room on every address is asked on this machine."""
    assert url_of(listen) == url


def test_a_key_is_one_segment() -> None:
    """A slash in a key does not become a path."""
    assert segment("192.0.2.0/24") == "192.0.2.0%2F24"
    assert segment("../x?y#z") == "..%2Fx%3Fy%23z"
