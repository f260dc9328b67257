"""Activation: sockets that systemd keeps are taken as they are, shared out to all workers, and never unlinked."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from shieldproxy.core.errors import StartError
from shieldproxy.supervisor.activation import FIRST, handed_over, share_out
from shieldproxy.supervisor.listening import close_sockets


@pytest.fixture
def kept() -> Iterator[ExitStack]:
    """What is closed at the end."""
    with ExitStack() as stack:
        yield stack


def said(count: object, names: str = "", pid: int = 7) -> dict[str, str]:
    """Return what systemd says of ``count`` descriptors."""
    return {"LISTEN_PID": str(pid), "LISTEN_FDS": str(count), "LISTEN_FDNAMES": names, "PATH": "/bin"}


def handed(kept: ExitStack, opened: socket.socket, name: str = "") -> socket.socket:
    """Return what comes of ``opened`` when systemd hands it over."""
    fd = os.dup(opened.fileno())
    opened.close()
    try:
        (found,) = handed_over(said(1, name), 7, first=fd)
    except StartError:
        os.close(fd)  # it stays open for whoever reads the message; a start that fails ends the process
        raise
    return kept.enter_context(found)


def listening(host: str = "127.0.0.1") -> socket.socket:
    """Return a socket that listens."""
    return socket.create_server((host, 0))


def test_a_listening_socket_is_taken_as_it_is(kept: ExitStack) -> None:
    """It goes on listening, does not block a loop, and is no child's unless it is given to it."""
    opened = listening()
    place = opened.getsockname()
    found = handed(kept, opened)
    assert found.getsockname() == place
    assert not found.getblocking()
    assert not found.get_inheritable()
    socket.create_connection(place, timeout=5).close()


def test_descriptors_begin_at_three() -> None:
    """The number is part of the protocol."""
    assert FIRST == 3


def test_what_was_said_is_taken_out_of_the_environment() -> None:
    """No child takes its own descriptors for sockets of systemd; nothing else is touched."""
    environ = said(0)
    assert handed_over(environ, 7) == []
    assert environ == {"PATH": "/bin"}


def test_what_was_said_to_another_process_is_not_ours() -> None:
    """A shell that inherited the words and started us handed us nothing."""
    environ = said(2, pid=8)
    assert handed_over(environ, 7) == []
    assert handed_over({}, 7) == []
    assert environ == {"PATH": "/bin"}


@pytest.mark.parametrize("count", ["", "-1", "x", "1025", "²"])
def test_a_count_that_is_none_is_named(count: str) -> None:
    """The message says which word, and what is allowed."""
    with pytest.raises(StartError, match=r"LISTEN_FDS is .*allowed: a number up to 1024"):
        handed_over(said(count), 7)


def test_what_cannot_take_visitors_is_named_with_its_name(kept: ExitStack, tmp_path: Path) -> None:
    """A datagram socket, one connection (Accept=yes), a pipe: each refused with a sentence that says what to change."""
    with pytest.raises(StartError, match=r"\(web\), handed over by systemd, cannot take visitors; allowed: ListenStr"):
        handed(kept, socket.socket(socket.AF_INET, socket.SOCK_DGRAM), "web")
    one, other = socket.socketpair()
    with other, pytest.raises(StartError, match=r"is one connection, .*allowed: Accept=no"):
        handed(kept, one)
    with (tmp_path / "file").open("w") as file, pytest.raises(StartError, match="is no socket"):
        handed_over(said(1), 7, first=file.fileno())
    with pytest.raises(StartError, match=r"descriptor 9999.* is no socket: Bad file"):
        handed_over(said(1), 7, first=9_999)


def test_one_socket_is_shared_by_all_workers(kept: ExitStack) -> None:
    """Whoever is free takes the next visitor; when one worker dies the others go on."""
    one, other = kept.enter_context(listening()), kept.enter_context(listening("127.0.0.2"))
    assert share_out([one, other], 3) == [[one, other]] * 3


def test_as_many_sockets_of_an_address_as_workers_are_one_each(kept: ExitStack) -> None:
    """With ReusePort=yes the kernel spreads connections; with too few or too many no socket is without a worker."""
    first = kept.enter_context(socket.create_server(("127.0.0.1", 0), reuse_port=True))
    port = first.getsockname()[1]
    three = [first] + [kept.enter_context(socket.create_server(("127.0.0.1", port), reuse_port=True)) for _ in range(2)]
    a, b, c = three
    assert share_out(three, 3) == [[a], [b], [c]]
    assert share_out(three, 2) == [[a, c], [b]]
    assert share_out(three, 4) == [[a], [b], [c], [a]]


def test_the_file_of_a_unix_socket_stays(kept: ExitStack, tmp_path: Path) -> None:
    """It is systemd's: the next start is handed the same, and visitors find it meanwhile."""
    path = tmp_path / "s"
    opened = kept.enter_context(socket.socket(socket.AF_UNIX))
    opened.bind(str(path))
    opened.listen()
    found = handed(kept, opened)
    close_sockets(share_out([found], 2), ours=False)
    assert path.exists()
