"""Listening: sockets that the supervisor opens and workers accept on, so that no port closes when a worker dies."""

from __future__ import annotations

import errno
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from shieldproxy.core.errors import StartError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shieldproxy.settings.endpoints import Listen

# What the kernel queues while a worker is busy or being restarted; net.core.somaxconn caps it.
BACKLOG = 4_096
# What a unix socket says that nobody listens on.
DEAD = (errno.ECONNREFUSED, errno.ENOENT)


def open_sockets(listen: Sequence[Listen], workers: int) -> list[list[socket.socket]]:
    """Return for each worker the sockets to accept on, all bound and listening.

    TCP: one socket a worker and address under SO_REUSEPORT, so that the kernel spreads connections and keeps those
    queued for a dead worker until its successor takes them. Unix: one socket for all. Raises StartError naming the
    address; then none stays open.
    """
    crews: list[list[socket.socket]] = [[] for _ in range(workers)]
    try:
        for place in listen:
            _open_place(place, crews)
    except StartError:
        close_sockets(crews)
        raise
    return crews


def _open_place(place: Listen, crews: list[list[socket.socket]]) -> None:
    if place.unix:
        shared = open_unix(place)
        for sockets in crews:
            sockets.append(shared)
        return
    claim(place)
    port = place.port
    for sockets in crews:
        opened = open_tcp(place, port)
        port = opened.getsockname()[1]
        sockets.append(opened)


def open_tcp(place: Listen, port: int) -> socket.socket:
    """Return a listening TCP socket that shares its address with its siblings. Raises StartError."""
    opened = _tcp_socket(place)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
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
    with _tcp_socket(place) as trial:
        try:
            trial.bind((place.host, place.port))
        except OSError as error:
            raise refusal(place, error) from error


def _tcp_socket(place: Listen) -> socket.socket:
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    try:
        opened = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:  # a kernel without IPv6
        raise refusal(place, error) from error
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return opened


def refusal(place: Listen, error: OSError) -> StartError:
    """Return the error that names the place."""
    return StartError(f"cannot listen on {place}: {error.strerror or error}")


def open_unix(place: Listen) -> socket.socket:
    """Return a listening unix socket. Raises StartError.

    The socket of a node that died is replaced. Any other file is not: it may be somebody's work.
    """
    path = Path(place.path)
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _make_way(path)
        opened.bind(str(path))
        opened.listen(BACKLOG)
        opened.setblocking(False)
    except OSError as error:
        opened.close()
        raise refusal(place, error) from error
    return opened


def _make_way(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(errno.EEXIST, "a file that is no socket stands there")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # the other end's queue may be full
        code = probe.connect_ex(str(path))
    if code in DEAD:
        path.unlink(missing_ok=True)
    elif code in (0, errno.EAGAIN):
        raise OSError(errno.EADDRINUSE, "another program answers there")
    else:
        raise OSError(code, os.strerror(code))


def close_sockets(crews: Iterable[Iterable[socket.socket]], *, ours: bool = True) -> None:
    """Close every socket, and take the names of unix sockets away where they are ``ours``; twice is once."""
    for sockets in crews:
        for opened in sockets:
            if opened.fileno() < 0:
                continue
            name = opened.getsockname() if opened.family == socket.AF_UNIX else ""
            opened.close()
            if name and ours:
                with suppress(OSError):
                    Path(name).unlink()


def place_of(opened: socket.socket) -> str:
    """Return where a socket listens, as config.toml writes it, with the port it really has."""
    name = opened.getsockname()
    if isinstance(name, str):
        return f"unix:{name}"
    host = f"[{name[0]}]" if ":" in name[0] else name[0]
    return f"{host}:{name[1]}"


def address_of(opened: socket.socket, scheme: str) -> str:
    """Return where a socket listens, as a URL."""
    place = place_of(opened)
    return place if place.startswith("unix:") else f"{scheme}://{place}"
