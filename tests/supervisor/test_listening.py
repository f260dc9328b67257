"""Listening: every worker its own socket, nobody else's port taken, nobody's file removed, nothing left behind."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from shieldproxy.core.errors import StartError
from shieldproxy.settings.endpoints import Listen
from shieldproxy.supervisor.listening import BACKLOG, address_of, close_sockets, open_sockets, place_of

ANY = Listen("127.0.0.1", 0)


@contextmanager
def opened(*places: Listen, workers: int = 2) -> Iterator[list[list[socket.socket]]]:
    crews = open_sockets(places, workers)
    try:
        yield crews
    finally:
        close_sockets(crews)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose name is short enough for a socket's path."""
    assert len(str(tmp_path)) < 90
    return tmp_path


def listener(path: Path) -> socket.socket:
    found = socket.socket(socket.AF_UNIX)
    found.bind(str(path))
    found.listen()
    return found


def connects(place: socket.socket) -> bool:
    with socket.socket(place.family) as client:
        return client.connect_ex(place.getsockname()) == 0


def test_each_worker_has_a_socket_of_its_own_on_the_same_port() -> None:
    """Three workers, one port chosen by the system, three sockets; none of them blocks its worker's loop."""
    with opened(ANY, workers=3) as crews:
        assert len(crews) == 3
        assert len({sockets[0].getsockname() for sockets in crews}) == 1
        assert len({sockets[0].fileno() for sockets in crews}) == 3
        assert not any(sockets[0].getblocking() for sockets in crews)
        assert connects(crews[0][0])


def test_connections_wait_while_a_worker_is_away() -> None:
    """Nobody accepts, and more clients than a small backlog holds are still connected, not turned away."""
    assert BACKLOG >= 1_024
    with opened(ANY, workers=1) as [[place]], ExitStack() as clients:
        for _ in range(200):
            clients.enter_context(socket.create_connection(place.getsockname(), timeout=5))


def test_several_places_are_all_listened_on() -> None:
    """Each place of the configuration is a socket of each worker, in the same order."""
    with opened(ANY, ANY) as crews:
        assert [len(sockets) for sockets in crews] == [2, 2]
        first, second = crews[0]
        assert first.getsockname() != second.getsockname()
        assert [place.getsockname() for place in crews[1]] == [first.getsockname(), second.getsockname()]


def test_ipv6_is_an_address_of_its_own() -> None:
    """An IPv6 socket takes no IPv4, so that both can be given with one port."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6")
    with opened(Listen("::1", 0), workers=1) as [[place]]:
        assert place.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1
        assert place_of(place) == f"[::1]:{place.getsockname()[1]}"
        assert address_of(place, "http") == f"http://{place_of(place)}"


def test_a_port_that_is_taken_is_named() -> None:
    """The message says which address, and why not."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        place = Listen("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(StartError, match=f"cannot listen on {place}: Address already in use"):
            open_sockets([place], 2)


def test_a_second_node_does_not_share_the_port_in_silence() -> None:
    """SO_REUSEPORT is for our own workers: another node's sockets make it taken all the same."""
    with opened(ANY) as crews:
        place = Listen("127.0.0.1", crews[0][0].getsockname()[1])
        with pytest.raises(StartError, match="Address already in use"):
            open_sockets([place], 2)


def test_nothing_stays_open_when_one_place_cannot_be_had() -> None:
    """The places before the taken one are free again after the refusal."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken, closing(socket.socket()) as chosen:
        chosen.bind(("127.0.0.1", 0))
        free = Listen("127.0.0.1", chosen.getsockname()[1])
        chosen.close()
        with pytest.raises(StartError):
            open_sockets([free, Listen("127.0.0.1", taken.getsockname()[1])], 2)
        with opened(free):
            pass


def test_an_address_of_another_machine_is_refused() -> None:
    """192.0.2.0/24 is documentation: no machine has it."""
    with pytest.raises(StartError, match=r"cannot listen on 192\.0\.2\.1:8080"):
        open_sockets([Listen("192.0.2.1", 8080)], 1)


def test_a_unix_socket_is_one_for_all(folder: Path) -> None:
    """Workers share it, it can be connected to, and its name is gone when it is closed."""
    path = folder / "s"
    with opened(Listen(path=str(path))) as crews:
        assert crews[0][0] is crews[1][0]
        assert connects(crews[0][0])
        assert place_of(crews[0][0]) == address_of(crews[0][0], "http") == f"unix:{path}"
    assert not path.exists()


def test_the_socket_of_a_dead_node_is_replaced(folder: Path) -> None:
    """A socket nobody listens on any more is in nobody's way."""
    path = folder / "s"
    listener(path).close()
    assert path.exists()
    with opened(Listen(path=str(path)), workers=1) as [[place]]:
        assert connects(place)


def test_the_socket_of_a_living_program_is_not(folder: Path) -> None:
    """What answers there goes on answering."""
    path = folder / "s"
    with closing(listener(path)) as living:
        with pytest.raises(StartError, match="another program answers there"):
            open_sockets([Listen(path=str(path))], 1)
        assert connects(living)


def test_a_file_that_is_no_socket_is_left_alone(folder: Path) -> None:
    """A wrong path in the configuration costs nobody a file, nor what a link leads to."""
    path, link = folder / "precious", folder / "link"
    path.write_text("years of work")
    link.symlink_to(path)
    for place in (path, link):
        with pytest.raises(StartError, match="no socket"):
            open_sockets([Listen(path=str(place))], 1)
    assert path.read_text() == "years of work"
    assert link.readlink() == path


def test_a_folder_that_is_missing_is_named(folder: Path) -> None:
    """The message has the path as the configuration writes it."""
    path = folder / "missing" / "s"
    with pytest.raises(StartError, match=f"cannot listen on unix:{path}: No such file"):
        open_sockets([Listen(path=str(path))], 1)


def test_closing_twice_is_closing_once(folder: Path) -> None:
    """A node that ends in two ways at once ends once."""
    crews = open_sockets([ANY, Listen(path=str(folder / "s"))], 2)
    close_sockets(crews)
    close_sockets(crews)
    assert all(place.fileno() < 0 for sockets in crews for place in sockets)
