"""A door of TLS against mutated hellos: each connection ends in time, nothing raises, nobody keeps a place."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.policy import BanPolicy, Policy
from shieldproxy.proxy.certificates import Certificates
from shieldproxy.proxy.terms import OriginTerms, Terms
from tests.proxy.authority import Authority
from tests.proxy.conftest import Shield, make_shield
from tests.proxy.hellos import PYTHON
from tests.proxy.hostile_bytes import cuts, search
from tests.proxy.test_client_hello_fuzz import hellos, spoilt

pytestmark = pytest.mark.fuzz

HANGING = 10.0
TERMS = Terms(handshake=0.3, header=0.3, idle=0.3, handshake_rate=0.0)


@dataclass
class House:
    """A door of TLS in a thread of its own, and what its callbacks raised."""

    shield: Shield
    raised: list[str]
    client: ssl.SSLContext

    def serves(self) -> bool:
        """Tell whether a client that behaves has its handshake and our answer."""
        with (
            socket.create_connection(("127.0.0.1", self.shield.port), timeout=HANGING) as plain,
            self.client.wrap_socket(plain, server_hostname="site.example") as secure,
        ):
            secure.sendall(b"GET /.shieldproxy/nothing HTTP/1.0\r\n\r\n")
            return secure.recv(65_536).startswith(b"HTTP/1.1 ")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A door of TLS that runs beside the test."""
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    raised: list[str] = []
    loop.set_exception_handler(lambda _, context: raised.append(str(context.get("exception") or context["message"])))
    authority = Authority(tmp_path)

    async def build() -> House:
        shield = make_shield(Policy(bans=BanPolicy(offences=10**9)), TERMS, OriginTerms(host="127.0.0.1", port=9), {})
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        shield.port = listening.getsockname()[1]
        await shield.door.open([listening], Certificates(authority.server("site.example")))
        return House(shield, raised, authority.client())

    built = asyncio.run_coroutine_threadsafe(build(), loop).result(10)
    yield built
    asyncio.run_coroutine_threadsafe(built.shield.close(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def end_of(port: int, packets: list[bytes], *, leave: bool) -> bytes:
    """Send ``packets``, say that nothing more comes if ``leave``, and return what came back until the end."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=HANGING) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for packet in packets:
                client.sendall(packet)
            if leave:
                client.shutdown(socket.SHUT_WR)
            while piece := client.recv(65_536):
                answer += piece
        except TimeoutError:
            raise
        except OSError:
            pass
    return answer


def test_no_hello_hangs_the_door(house: House) -> None:
    """Whatever is sent, in whatever packets: an end, TLS or silence as answer, and the next one is served."""

    @given(st.data())
    def promise(data: st.DataObject) -> None:
        said = data.draw(st.one_of(spoilt(), hellos(), st.just(PYTHON), st.binary(max_size=80)))
        packets = [said] if len(said) > 3_000 else data.draw(cuts(said))
        answer = end_of(house.shield.port, packets, leave=data.draw(st.booleans()))
        assert answer[:1] in {b"", b"\x15", b"\x16"}
        assert not house.raised
        assert house.serves()

    search(promise, 60)
    named = house.shield.tallies.named
    assert named["connections"] >= named["handshakes"] + named["handshakes_failed"]
