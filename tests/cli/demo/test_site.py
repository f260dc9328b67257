"""The small town's site."""

from __future__ import annotations

import aiohttp
import pytest

from shieldproxy.cli.demo import site
from shieldproxy.cli.demo.citizens import ROUTE
from shieldproxy.cli.demo.loopback import NotLoopbackError
from shieldproxy.cli.demo.site import Site

PATHS = [*site.PAGES, *site.PARTS, "/feed.xml", "/api/opening-hours.json", "/robots.txt", "/search?q=a", *ROUTE]


async def test_everything_that_people_ask_for_is_there() -> None:
    """No citizen of the demo meets a 404."""
    town = Site(lambda _: False)
    port = await town.open("127.0.0.1", 0)
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            for wish in PATHS:
                method, _, path = wish.rpartition(" ")
                async with session.request(method or "GET", path, data=b"a=b" if method else None) as answer:
                    assert answer.status == 200, wish
                    assert await answer.read()
    finally:
        await town.close()


async def test_it_counts_who_reaches_it() -> None:
    """By the address that the shield passes on, attackers and citizens are told apart."""
    town = Site({"192.0.2.66"}.__contains__)
    port = await town.open("127.0.0.1", 0)
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            for address in ("192.0.2.66", "192.0.2.1", "192.0.2.1"):
                async with session.get("/", headers={"X-Forwarded-For": address}):
                    pass
    finally:
        await town.close()
    assert town.reached == {"attack": 1, "citizens": 2}
    assert (town.busy, town.most_busy) == (0, 1)


async def test_it_serves_this_machine_only() -> None:
    """The made-up site is never put on a network."""
    with pytest.raises(NotLoopbackError):
        await Site(lambda _: False).open("0.0.0.0", 0)
