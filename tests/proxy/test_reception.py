"""The reception: accepts where TLS is spoken, and goes on when the system gives it nothing for a while."""

from __future__ import annotations

import asyncio
import errno
import socket
from pathlib import Path

import pytest

from shieldproxy.proxy import reception
from tests.proxy.authority import Authority
from tests.proxy.conftest import Open, RawOrigin, until


class Scarce(socket.socket):
    """A listening socket for which there are no descriptors as long as ``scarce``."""

    scarce = True
    asked = 0

    def accept(self) -> tuple[socket.socket, object]:
        self.asked += 1
        if self.scarce:
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


async def test_without_descriptors_it_rests_and_goes_on(
    open_shield: Open, origin: RawOrigin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not ask in a circle while the queue stays readable, says it, and accepts when there are some again."""
    monkeypatch.setattr(reception, "PAUSE", 0.1)
    shield = await open_shield(origin, tls=Authority(tmp_path).server("site.example"))
    listening = Scarce()
    listening.bind(("127.0.0.1", 0))
    at_the_door = reception.Reception(shield.door, listening)
    connected = asyncio.ensure_future(asyncio.open_connection(*listening.getsockname()))
    await until(lambda: listening.asked >= 3)
    assert shield.failures
    assert set(shield.failures) == {(503, "nobody can be accepted: Too many open files")}
    assert len(shield.failures) == listening.asked
    listening.scarce = False
    await until(lambda: shield.door.open_connections == 1)
    _, writer = await connected
    writer.close()
    await until(lambda: shield.door.open_connections == 0)
    at_the_door.close()
    assert listening.fileno() == -1


async def test_a_rest_ends_with_the_reception(
    open_shield: Open, origin: RawOrigin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closed while it rests, it does not come back to a socket that is gone."""
    monkeypatch.setattr(reception, "PAUSE", 0.05)
    shield = await open_shield(origin, tls=Authority(tmp_path).server("site.example"))
    listening = Scarce()
    listening.bind(("127.0.0.1", 0))
    at_the_door = reception.Reception(shield.door, listening)
    _, writer = await asyncio.open_connection(*listening.getsockname())
    await until(lambda: listening.asked == 1)
    at_the_door.close()
    await asyncio.sleep(0.1)
    assert listening.asked == 1
    writer.close()


async def test_everybody_in_the_queue_is_accepted(open_shield: Open, origin: RawOrigin, tmp_path: Path) -> None:
    """More than one turn takes: nobody stays in the queue until somebody else comes."""
    shield = await open_shield(origin, tls=Authority(tmp_path).server("site.example"))
    waiting = [socket.create_connection(("127.0.0.1", shield.port)) for _ in range(2 * reception.AT_ONCE + 1)]
    await until(lambda: shield.door.open_connections == len(waiting))
    for one in waiting:
        one.close()
    await until(lambda: shield.door.open_connections == 0)
