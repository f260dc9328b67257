"""Notifying: systemd hears what sd_notify(3) promises, and nobody else is told anything."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from shieldproxy.supervisor.notifying import Notifier


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    """Who listens at the other end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(5)
        yield listening


def heard(systemd: socket.socket) -> list[str]:
    """Return the lines of one message."""
    return systemd.recv(4096).decode().split("\n")


async def test_each_turn_of_life_is_told(systemd: socket.socket) -> None:
    """Ready with a sentence, a reload with the moment of its begin, alive, and the end."""
    teller = Notifier({"NOTIFY_SOCKET": systemd.getsockname()}, 7)
    teller.ready("serving\nFDSTORE=1")
    assert heard(systemd) == ["READY=1", "STATUS=serving\\x0aFDSTORE=1"]
    teller.reloading(12.5)
    assert heard(systemd) == ["RELOADING=1", "MONOTONIC_USEC=12500000"]
    await teller.alive()
    assert heard(systemd) == ["WATCHDOG=1"]
    teller.stopping()
    assert heard(systemd) == ["STOPPING=1", "STATUS=draining"]


async def test_an_abstract_socket_is_one_too() -> None:
    """A name that begins with @ is no path."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("")  # the kernel chooses an abstract name
        listening.settimeout(5)
        name = listening.getsockname().decode()
        Notifier({"NOTIFY_SOCKET": "@" + name[1:]}, 7).stopping()
        assert heard(listening)[0] == "STOPPING=1"


@pytest.mark.parametrize(
    ("words", "interval"),
    [
        ({}, 0.0),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, 0.0),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
    ],
)
def test_the_watchdog_is_told_twice_within_its_time(words: dict[str, str], interval: float) -> None:
    """As often as it asked of this process, and not at all where it asked another."""
    assert Notifier({"NOTIFY_SOCKET": "/nowhere", **words}, 7).interval == interval


async def test_nothing_is_told_where_nobody_asked() -> None:
    """Without a socket to tell, with one that is gone, or with a watchdog alone, nothing happens and nothing fails."""
    for environ in ({}, {"NOTIFY_SOCKET": "/nowhere/notify"}, {"WATCHDOG_USEC": "1000000"}):
        teller = Notifier(dict(environ), 7)
        teller.ready("serving")
        teller.stopping()
        await teller.alive()


def test_children_are_not_told_where_to_tell() -> None:
    """What was said to us is taken out of the environment, and nothing else."""
    environ = {"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "7", "PATH": "/bin"}
    Notifier(environ, 7)
    assert environ == {"PATH": "/bin"}


def test_a_reader_that_does_not_read_holds_nobody_up(systemd: socket.socket) -> None:
    """When its queue is full, what cannot be said is left unsaid."""
    teller = Notifier({"NOTIFY_SOCKET": systemd.getsockname()}, 7)
    for _ in range(5_000):
        teller.stopping()
    assert heard(systemd)[0] == "STOPPING=1"
