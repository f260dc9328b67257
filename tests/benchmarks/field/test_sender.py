"""The sender: each volley on a connection of its own, every answer counted."""

from __future__ import annotations

import socket
import threading
import time

from benchmarks.field.sender import Sender
from benchmarks.field.shots import Volley


def test_every_volley_is_counted_by_its_answer() -> None:
    """Answers by status, and connections that were cut."""
    listener = socket.create_server(("127.0.0.1", 0))
    heard: list[bytes] = []

    def serve() -> None:
        for number in range(4):
            wire, _ = listener.accept()
            with wire:
                heard.append(wire.recv(100))
                if number < 3:
                    wire.sendall(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")

    server = threading.Thread(target=serve)
    server.start()
    sender = Sender(listener.getsockname()[1])
    sender.send(
        [Volley(0.02 * number, "192.0.2.1", b"GET / HTTP/1.1\r\n\r\n") for number in range(4)], time.monotonic()
    )
    server.join()
    listener.close()
    assert heard == [b"GET / HTTP/1.1\r\n\r\n"] * 4
    assert sender.answers == {"503": 3, "cut": 1, "silent": 0}
