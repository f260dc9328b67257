"""Identity: on whose behalf a connection speaks, and what the origin is told of it."""

from __future__ import annotations

import ipaddress
import struct

import pytest

from shieldproxy.core.addresses import parse_address
from shieldproxy.core.policy import Policy
from shieldproxy.guard.visits import Peer
from shieldproxy.proxy.fields import Field
from shieldproxy.proxy.identity import Identity
from shieldproxy.proxy.proxy_protocol import SIGNATURE
from shieldproxy.proxy.terms import ClientAddress, OriginTerms, Terms
from tests.proxy.conftest import make_shield

BALANCER = "10.0.0.1"
V1 = b"PROXY TCP4 192.0.2.9 198.51.100.1 4711 443\r\n"
FORWARDED: list[Field] = [(b"x-forwarded-for", b"X-Forwarded-For", b"192.0.2.9")]


def identity(kind: ClientAddress, address: str = BALANCER, *, secure: bool = False) -> Identity:
    terms = Terms(client_address=kind, trusted=(ipaddress.ip_network("10.0.0.0/8"),))
    parsed = parse_address(address)
    assert parsed is not None
    guard = make_shield(Policy(), terms, OriginTerms(), {}).door.guard
    return Identity(guard, terms, Peer(address, 1000, "10.0.0.2", 80), parsed, secure=secure)


@pytest.mark.parametrize("size", [1, 2, 7, len(V1), 1000])
def test_an_announcement_may_come_in_pieces(size: int) -> None:
    """However it is cut, the client is who it names, and what stands behind it is the client's."""
    found = identity(ClientAddress.PROXY_PROTOCOL)
    sent, rest = V1 + b"GET /", None
    used = 0
    while rest is None:
        assert not found.announced
        rest = found.announce(sent[used : used + size])
        used += size
    assert found.announced
    assert rest + sent[used:] == b"GET /"
    assert found.caller.peer == Peer("192.0.2.9", 4711, "198.51.100.1", 443)
    assert found.meet().visitor.client == "192.0.2.9"


def test_a_stranger_announces_nobody() -> None:
    """An announcement of a peer that is not trusted is an error, however right it is."""
    with pytest.raises(ValueError, match="not trusted"):
        identity(ClientAddress.PROXY_PROTOCOL, "192.0.2.1").announce(V1)


def test_a_balancer_may_speak_for_itself() -> None:
    """A health check (LOCAL, UNKNOWN) is the balancer's own request."""
    for announcement in (SIGNATURE + struct.pack("!BBH", 0x20, 0, 0), b"PROXY UNKNOWN\r\n"):
        found = identity(ClientAddress.PROXY_PROTOCOL)
        assert found.announce(announcement) == b""
        assert found.meet().visitor.client == BALANCER


def test_an_announced_client_in_ipv6_clothes_is_the_ipv4_client() -> None:
    """::ffff:192.0.2.9 is 192.0.2.9: one client has one bucket."""
    found = identity(ClientAddress.PROXY_PROTOCOL)
    found.announce(b"PROXY TCP6 ::ffff:192.0.2.9 2001:db8::1 1 2\r\n")
    assert found.meet().visitor.client == "192.0.2.9"


def test_only_who_is_trusted_speaks_for_others() -> None:
    """A forwarder's header names the client; a stranger's names nobody; and where headers are not asked, no one's does."""
    for kind, address, client, many in [
        (ClientAddress.FORWARDED_FOR, BALANCER, "192.0.2.9", True),
        (ClientAddress.FORWARDED_FOR, "203.0.113.1", "203.0.113.1", False),
        (ClientAddress.PEER, BALANCER, BALANCER, False),
    ]:
        found = identity(kind, address)
        visit, caller = found.whose(FORWARDED, Terms(trusted=(ipaddress.ip_network("10.0.0.0/8"),)))
        assert visit.visitor.client == client
        assert str(caller.address) == client
        assert found.speaks_for_others is many


def test_the_origin_is_told_of_client_peer_scheme_and_site() -> None:
    """The chain has the client and, where it is another, the peer; a site that was not named is not told."""
    found = identity(ClientAddress.FORWARDED_FOR)
    assert found.lines("192.0.2.9", "site.example:8080", secure=True) == (
        b"X-Forwarded-For: 192.0.2.9, 10.0.0.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: site.example:8080\r\n"
    )
    assert found.lines(BALANCER, "", secure=False) == b"X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: http\r\n"
    assert b"https" in found.lines(BALANCER, "", secure=True)
