"""Listening: sockets that the supervisor opens and workers accept on, so that no port closes when a worker dies."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

from shieldproxy.core.errors import StartError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shieldproxy.settings.endpoints import Listen

# What the kernel queues while a worker is busy or being restarted; net.core.somaxconn caps it.
BACKLOG = 4_096


def open_sockets(listen: Sequence[Listen], workers: int) -> list[list[socket.socket]]:
    """Return for each worker the sockets to accept on, all bound and listening.

    TCP: one socket a worker and address under SO_REUSEPORT, so that the kernel spreads connections and keeps those
    queued for a dead worker until its successor takes them. Unix: one socket for all. Raises StartError naming the
    address.
    """
    crews: list[list[socket.socket]] = [[] for _ in range(workers)]
    for place in listen:
        if place.unix:
            shared = open_unix(place)
            for sockets in crews:
                sockets.append(shared)
            continue
        claim(place)
        port = place.port
        for sockets in crews:
            opened = open_tcp(place, port)
            port = opened.getsockname()[1]
            sockets.append(opened)
    return crews


def open_tcp(place: Listen, port: int) -> socket.socket:
    """Return a listening TCP socket that shares its address with its siblings. Raises StartError."""
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((place.host, port))
        opened.listen(BACKLOG)
        opened.setblocking(False)
    except OSError as error:
        opened.close()
        raise refusal(place, error) from error
    return opened


def claim(place: Listen) -> None:
    """Make sure that nobody else listens on ``place``. Raises StartError.

    SO_REUSEPORT would let a second node of the same user share the port in silence and take half of its visitors.
    """
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            trial.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            trial.bind((place.host, place.port))
        except OSError as error:
            raise refusal(place, error) from error


def refusal(place: Listen, error: OSError) -> StartError:
    """Return the error that names the place."""
    return StartError(f"cannot listen on {place}: {error.strerror or error}")


def open_unix(place: Listen) -> socket.socket:
    """Return a listening unix socket; a dead one in its place is removed. Raises StartError."""
    path = Path(place.path)
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            if probe.connect_ex(str(path)) == 0:
                raise OSError("another program answers there")
        path.unlink(missing_ok=True)
        opened.bind(str(path))
        opened.listen(BACKLOG)
        opened.setblocking(False)
        return opened
    except OSError as error:
        opened.close()
        raise refusal(place, error) from error
