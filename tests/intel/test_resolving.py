"""Resolving: the questions of the witness to a name server on loopback."""

from __future__ import annotations

import asyncio
import time

import pytest

from shieldproxy.core.facts import Crawler
from shieldproxy.intel.resolving import Resolver
from shieldproxy.intel.witness import LookupFailedError, Witness
from tests.fakes.name_server import NameServer

HOME, SIX = "91.242.162.1", "2001:db8::1"
BACK = "1.162.242.91.in-addr.arpa."
BACK_SIX = f"1.{'0.' * 23}8.b.d.0.1.0.0.2.ip6.arpa."
NAME = "qwantbot-1.qwant.com."
TABLE = {
    (BACK, "PTR"): [NAME],
    (BACK_SIX, "PTR"): [NAME],
    (NAME, "A"): [HOME],
    (NAME, "AAAA"): [SIX],
    ("7.2.0.192.in-addr.arpa.", "PTR"): ["fake.qwant.com."],
    ("fake.qwant.com.", "A"): [HOME],
}
BROKEN = frozenset(("8.2.0.192.in-addr.arpa.",))


async def test_names_and_addresses_come_from_the_named_server() -> None:
    """PTR of both versions, A and AAAA of a name; what does not exist is an empty answer."""
    async with NameServer(TABLE, BROKEN) as server:
        resolver = Resolver([server.place])
        assert await resolver.names_of(HOME) == await resolver.names_of(SIX) == [NAME]
        assert await resolver.addresses_of(NAME) == [HOME, SIX]
        assert await resolver.names_of("192.0.2.9") == []
        assert await resolver.addresses_of("absent.example.") == []
        assert (BACK, "PTR") in server.asked


async def test_a_server_that_fails_is_no_refusal() -> None:
    """SERVFAIL and silence are told apart from "no such name"."""
    async with NameServer(TABLE, BROKEN) as server:
        with pytest.raises(LookupFailedError, match="192"):
            await Resolver([server.place]).names_of("192.0.2.8")


async def test_a_name_that_is_none_is_a_failure() -> None:
    """A hostile zone may answer anything; what cannot be asked for is not an error of ours."""
    async with NameServer(TABLE) as server:
        with pytest.raises(LookupFailedError):
            await Resolver([server.place]).addresses_of("x" * 300)


async def test_the_whole_way_over_a_socket() -> None:
    """A robot is confirmed, one that only names itself so is refuted, one whose zone fails stays unknown."""
    told: list[str] = []
    async with NameServer(TABLE, BROKEN) as server:
        resolver = Resolver([server.place])
        witness = Witness(resolver.names_of, resolver.addresses_of, clock=time.monotonic, count=told.append)
        for address in (HOME, "192.0.2.7", "192.0.2.8"):
            assert witness.testify("qwantbot", address) is Crawler.NONE
        witness.turn()
        await witness.settle()
        await asyncio.sleep(0)
        assert witness.testify("qwantbot", HOME) is Crawler.VERIFIED
        assert witness.testify("qwantbot", "192.0.2.7") is Crawler.IMPOSTOR
        assert witness.testify("qwantbot", "192.0.2.8") is Crawler.NONE
    assert sorted(told) == ["confirmed", "refuted", "unanswered"]
