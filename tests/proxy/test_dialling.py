"""Dialling: names that move, names with several addresses, resolvers that fail."""

from __future__ import annotations

import asyncio

import pytest

from shieldproxy.proxy.dialling import REMEMBERED, Dialler, is_address
from shieldproxy.proxy.terms import OriginTerms
from tests.fakes.clock import HandClock
from tests.proxy.conftest import OK, Open, RawOrigin, StartOrigin

CLOSE = b"GET / HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n"
# Nothing answers there: the first is refused, the second is silent (RFC 5737).
REFUSED, SILENT = "127.0.0.9", "192.0.2.1"


class Resolver:
    """A resolver that says what the test wants, and counts how often it was asked."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.asked = 0
        self.fails = False

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        await asyncio.sleep(0.01)
        if self.fails:
            raise OSError(f"no address for {host}")
        return self.addresses


def dialler(origin: RawOrigin, resolver: Resolver, clock: HandClock, connect: float = 5.0) -> Dialler:
    terms = OriginTerms(host="site.internal", port=origin.port, connect=connect)
    return Dialler(terms, clock=clock, resolver=resolver)


async def reach(made: Dialler) -> None:
    """Dial once and hang up."""
    connected: list[asyncio.BaseTransport] = []

    class Caller(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            connected.append(transport)

    assert isinstance(await made.dial(Caller), Caller)
    connected[0].close()


async def test_a_name_is_asked_for_once_by_many(origin: RawOrigin, clock: HandClock) -> None:
    """A hundred connections at once ask the resolver once, and nobody asks again for some seconds."""
    resolver = Resolver("127.0.0.1")
    made = dialler(origin, resolver, clock)
    await asyncio.gather(*(reach(made) for _ in range(100)))
    clock.advance(REMEMBERED - 1)
    await reach(made)
    assert resolver.asked == 1


async def test_a_name_that_moves_is_followed(origin: RawOrigin, clock: HandClock) -> None:
    """Some seconds after the name got another address, new connections go there."""
    resolver = Resolver(REFUSED)
    made = dialler(origin, resolver, clock)
    with pytest.raises(ConnectionRefusedError):
        await reach(made)
    resolver.addresses = ["127.0.0.1"]
    clock.advance(REMEMBERED)
    await reach(made)


async def test_a_resolver_that_fails_does_not_take_the_site_away(origin: RawOrigin, clock: HandClock) -> None:
    """The last addresses are used on while there are no others; without any the error is told."""
    resolver = Resolver("127.0.0.1")
    made = dialler(origin, resolver, clock)
    await reach(made)
    resolver.fails = True
    clock.advance(REMEMBERED)
    await reach(made)
    assert resolver.asked == 2
    with pytest.raises(OSError, match="no address for"):
        await reach(dialler(origin, resolver, clock))


async def test_the_next_address_is_tried(origin: RawOrigin, clock: HandClock) -> None:
    """An address that refuses costs nothing, and the one that answered is the first from then on."""
    resolver = Resolver(REFUSED, "127.0.0.1")
    made = dialler(origin, resolver, clock)
    await reach(made)
    resolver.addresses = [SILENT, "127.0.0.1"]
    clock.advance(REMEMBERED)
    await asyncio.wait_for(reach(made), 2)


async def test_one_who_gives_up_does_not_take_the_answer_from_others(origin: RawOrigin, clock: HandClock) -> None:
    """A dial that is cancelled while the name is asked for leaves the others waiting for it."""
    resolver = Resolver("127.0.0.1")
    made = dialler(origin, resolver, clock)
    first, second = (asyncio.ensure_future(reach(made)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await second
    assert resolver.asked == 1


async def test_a_moved_name_is_followed_by_the_door(open_shield: Open, start_origin: StartOrigin) -> None:
    """Through the whole door: the old address is gone, the new one serves, nobody restarts anything."""
    old = await start_origin(OK)
    resolver = Resolver("127.0.0.1")
    shield = await open_shield(old, origin_terms={"host": "site.internal"}, resolver=resolver)
    assert (await shield.talk(CLOSE)).endswith(b"ok")
    resolver.addresses = [REFUSED]
    shield.door.pool._dialler._asked = -REMEMBERED
    await old.stop()
    assert (await shield.talk(CLOSE)).startswith(b"HTTP/1.1 502 ")
    await start_origin(OK, host="127.0.0.8", port=old.port)
    resolver.addresses = ["127.0.0.8"]
    shield.door.pool._dialler._asked = -REMEMBERED
    assert (await shield.talk(CLOSE)).endswith(b"ok")


def test_an_address_needs_no_resolver() -> None:
    """Both families; a name of digits is a name."""
    assert is_address("127.0.0.1")
    assert is_address("2001:db8::1")
    assert not is_address("localhost")
    assert not is_address("1")
