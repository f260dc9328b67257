"""The kernel's queue before accept follows what is accepted."""

from __future__ import annotations

import contextlib
import socket

from shieldproxy.core.backlog import SHORTEST
from shieldproxy.proxy.queue import Queue


def connect(port: int, count: int, stack: contextlib.ExitStack) -> int:
    """Open so many connections that nobody accepts; return how many the kernel has taken within a moment."""
    taken = 0
    for _ in range(count):
        client = stack.enter_context(socket.socket())
        client.settimeout(0.1)
        try:
            client.connect(("127.0.0.1", port))
        except TimeoutError:
            break
        taken += 1
    return taken


def test_a_queue_that_stands_is_shortened_and_then_long_again() -> None:
    """With three hundred waiting and none accepted only a handful more may wait; when they are gone, many may."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=4_096))
        port = listening.getsockname()[1]
        queue = Queue([listening])
        assert connect(port, 300, stack) == 300
        queue.turn(0)
        assert connect(port, 3, stack) == 0
        for _ in range(300):
            stack.enter_context(listening.accept()[0])
        # Somebody of those turned away may have come back by itself and wait.
        queue.turn(300)
        assert connect(port, SHORTEST * 2, stack) == SHORTEST * 2


def test_a_closed_socket_and_a_unix_socket_are_left_alone() -> None:
    """The kernel tells nothing of them."""
    with socket.socket(socket.AF_UNIX) as unix, socket.socket() as closed:
        queue = Queue([unix, closed])
        closed.close()
        queue.turn(5)
