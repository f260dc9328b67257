"""The origin that says nothing."""

from __future__ import annotations

import contextlib
import socket
import time

from benchmarks.rows.memory import Silence


def test_takes_every_connection_and_answers_none() -> None:
    """Requests stay under way for as long as they are wanted, and end with it."""
    silence = Silence()
    port = int(silence.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), 5.0) as client:
        client.settimeout(5.0)
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        give_up = time.monotonic() + 10.0
        while not silence.taken:
            assert time.monotonic() < give_up, "it was not taken"
        silence.close()
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(10) == b""
