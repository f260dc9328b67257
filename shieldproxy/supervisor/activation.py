"""Activation: listening sockets that systemd keeps and hands over at each start, so that no restart closes a port.

The protocol is that of sd_listen_fds(3): descriptors from 3 on, told about in three variables of the environment.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from shieldproxy.core.errors import StartError

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

# SD_LISTEN_FDS_START of sd-daemon.h.
FIRST = 3
# Addresses times workers is far below; a larger number is no word of systemd.
MOST = 1_024
FAMILIES = (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX)
WORDS = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID")


def handed_over(environ: MutableMapping[str, str], pid: int, first: int = FIRST) -> list[socket.socket]:
    """Return the listening sockets handed to the process ``pid``; none when nobody handed it any.

    What ``environ`` says of them is taken out of it: a child has other descriptors under the same numbers. Raises
    StartError naming the descriptor when one is nothing that visitors can be accepted on.
    """
    words = {word: environ.pop(word, "") for word in WORDS}
    if words["LISTEN_PID"] != str(pid):
        return []  # said to somebody else, whose environment we inherited
    count = words["LISTEN_FDS"]
    if not (count.isascii() and count.isdigit() and int(count) <= MOST):
        raise StartError(f"LISTEN_FDS is {count!r}; allowed: a number up to {MOST}")
    names = words["LISTEN_FDNAMES"].split(":")
    names += [""] * (int(count) - len(names))
    return [_listening(first + number, names[number]) for number in range(int(count))]


def _listening(fd: int, name: str) -> socket.socket:
    said = f"descriptor {fd}{f' ({name})' if name else ''}, handed over by systemd,"
    try:
        found = socket.socket(fileno=fd)
    except OSError as error:
        raise StartError(f"{said} is no socket: {error.strerror or error}") from error
    if found.family not in FAMILIES or found.type != socket.SOCK_STREAM:
        found.detach()
        raise StartError(f"{said} cannot take visitors; allowed: ListenStream= with an address or a path")
    if not found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        found.detach()
        raise StartError(f"{said} is one connection, not a place to listen; allowed: Accept=no")
    found.set_inheritable(False)
    found.setblocking(False)
    return found


def share_out(sockets: Sequence[socket.socket], workers: int) -> list[list[socket.socket]]:
    """Return for each worker the sockets to accept on: at least one for each address, and no socket without a worker.

    One socket of an address is everybody's. Where there are several (ReusePort=yes and the address once for each
    worker), each worker has its own and the kernel spreads connections.
    """
    of_an_address: dict[object, list[socket.socket]] = {}
    for opened in sockets:
        of_an_address.setdefault((opened.family, opened.getsockname()), []).append(opened)
    crews: list[list[socket.socket]] = [[] for _ in range(workers)]
    for siblings in of_an_address.values():
        for number in range(max(len(siblings), workers)):
            crews[number % workers].append(siblings[number % len(siblings)])
    return crews
