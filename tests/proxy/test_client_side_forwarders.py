"""A connection that speaks for many clients: it counts as nobody's, and nobody's ban ends it."""

from __future__ import annotations

import asyncio
import ipaddress

from shieldproxy.core.ladder import Ban
from shieldproxy.proxy.terms import ClientAddress
from tests.proxy.conftest import Open, RawOrigin

BEFORE_US = {
    "client_address": ClientAddress.FORWARDED_FOR,
    "trusted": (ipaddress.ip_network("127.0.0.0/8"),),
    "max_connections_per_client": 2,
}


def get(client: str) -> bytes:
    """Return a request that a forwarder makes for ``client``."""
    return b"GET / HTTP/1.1\r\nHost: example.org\r\nX-Forwarded-For: " + client.encode() + b"\r\n\r\n"


async def test_a_forwarder_has_as_many_connections_as_it_needs(open_shield: Open, origin: RawOrigin) -> None:
    """What one client may have is no bound for the server that brings all of them."""
    shield = await open_shield(origin, terms=BEFORE_US)
    clients = [await shield.connect() for _ in range(10)]
    for number, client in enumerate(clients):
        client.send(get(f"192.0.2.{number}"))
    assert [(await client.response())[1] for client in clients] == [b"ok"] * 10
    assert shield.tallies.named["connections_refused"] == 0


async def test_a_ban_of_one_leaves_the_connection_to_the_others(open_shield: Open, origin: RawOrigin) -> None:
    """The banned client is told 403 on a connection that goes on: a forwarder that is hung up on takes us for broken."""
    shield = await open_shield(origin, terms=BEFORE_US)
    shield.bans.put(Ban("192.0.2.9", 1e12, "test"))
    client = await shield.connect()
    client.send(get("192.0.2.9"))
    head, _ = await client.response()
    assert head.startswith(b"HTTP/1.1 403 ")
    assert (shield.journal.records[-1].action, shield.journal.records[-1].status) == ("drop", 403)
    if b"Connection: close" not in head:
        client.send(get("192.0.2.1"))
        assert (await client.response())[1] == b"ok"


async def test_a_ban_of_the_forwarder_closes_nothing_unread(open_shield: Open, origin: RawOrigin) -> None:
    """Its address is banned by mistake: those it speaks for are served all the same."""
    shield = await open_shield(origin, terms=BEFORE_US)
    shield.bans.put(Ban("127.0.0.1", 1e12, "test"))
    client = await shield.connect()
    client.send(get("192.0.2.1"))
    assert (await client.response())[1] == b"ok"


async def test_a_stranger_is_counted_and_banned_whatever_it_claims(open_shield: Open, origin: RawOrigin) -> None:
    """Only who is trusted speaks for others."""
    shield = await open_shield(origin, terms={**BEFORE_US, "trusted": (ipaddress.ip_network("10.0.0.0/8"),)})
    shield.bans.put(Ban("127.0.0.1", 1e12, "test"))
    client = await shield.connect()
    assert await asyncio.wait_for(client.read_all(), 5) == b""
    assert shield.tallies.named["connections_refused"] == 1
