"""The running door against mutated bytes: every connection ends or is answered, and the origin is never in doubt."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.policy import BanPolicy, Policy
from shieldproxy.proxy.terms import OriginTerms, Terms
from tests.proxy.conformance.wire import StrictOrigin
from tests.proxy.conftest import Shield, make_shield
from tests.proxy.hostile_bytes import cuts, search, streams

pytestmark = pytest.mark.fuzz

# A connection that is not ended after so long hangs: the terms below end every one of them within half a second.
HANGING = 10.0
TERMS = Terms(header=0.3, idle=0.3, body_idle=0.3, write=0.3)


@dataclass
class House:
    """A door and an origin in a thread of their own."""

    shield: Shield
    origin: StrictOrigin
    raised: list[str]


@pytest.fixture
def house() -> Iterator[House]:
    """A door that runs beside the test."""
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    raised: list[str] = []
    loop.set_exception_handler(lambda _, context: raised.append(str(context.get("exception") or context["message"])))

    async def build() -> House:
        origin = await StrictOrigin().start()
        shield = make_shield(
            Policy(bans=BanPolicy(offences=1_000_000_000)), TERMS, OriginTerms(host="127.0.0.1", port=origin.port), {}
        )
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        shield.port = listening.getsockname()[1]
        await shield.door.open([listening], None)
        return House(shield, origin, raised)

    async def end(built: House) -> None:
        await built.shield.close()
        await built.origin.stop()

    built = asyncio.run_coroutine_threadsafe(build(), loop).result(10)
    yield built
    asyncio.run_coroutine_threadsafe(end(built), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@contextlib.contextmanager
def refused_early() -> Iterator[None]:
    """Let a connection end that the other side has ended; one that hangs is a failure."""
    try:
        yield
    except TimeoutError:
        raise
    except OSError:
        pass


def send(port: int, packets: list[bytes]) -> bytes:
    """Send ``packets``, say that nothing more comes, and return all that comes back until the end."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=HANGING) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with refused_early():
            for packet in packets:
                client.sendall(packet)
            client.shutdown(socket.SHUT_WR)
            while piece := client.recv(65_536):
                answer += piece
    return answer


def test_no_bytes_hang_the_door_or_split_a_request(house: House) -> None:
    """Whatever is sent, the connection ends in time, nothing raises, and the origin reads each request in one way."""

    @given(st.data())
    def promise(data: st.DataObject) -> None:
        house.origin.clear()
        answer = send(house.shield.port, data.draw(cuts(data.draw(streams()))))
        assert answer == b"" or answer.startswith(b"HTTP/1.1 ")
        assert not house.origin.objections
        assert not house.raised
        # As many answers as requests that were judged, and never more at the origin than were answered or broken off.
        assert answer.count(b"HTTP/1.1 200 OK\r\n") <= len(house.origin.seen)
        assert send(house.shield.port, [b"GET /alive HTTP/1.0\r\n\r\n"]).endswith(b"GET /alive")

    search(promise, 150)
