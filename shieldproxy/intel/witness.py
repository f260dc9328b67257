"""Witness: who asks the names of the Internet whether a robot is what it says (forward-confirmed reverse DNS).

An address has a name (PTR), the name lies in a domain of the robot's operator, and the name has that address (A, AAAA):
the operator of a network can claim the first, only the operator of the robot can grant the last. Nobody waits for it:
``testify`` answers from memory and notes the question; ``turn`` asks, beside the requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from cachetools import LRUCache

from shieldproxy.core.addresses import parse_address
from shieldproxy.core.facts import Crawler
from shieldproxy.intel.crawlers import DOMAINS

# What is remembered, some 200 bytes each: the robots of the world that visit one site are some thousands of addresses.
KEPT = 8_192
# Questions that wait, and that are under way. Beyond it a claim stays unconfirmed until it is made again: a flood of
# false robots costs the resolver no more than this at a time.
WAITING = 256
AT_ONCE = 8
# How long an answer holds (seconds). A refusal is asked for again sooner, a failure soonest.
HOLDS = {Crawler.VERIFIED: 86_400.0, Crawler.IMPOSTOR: 3_600.0, Crawler.NONE: 300.0}
# A question takes this long at most, forward and back, whatever a hostile zone does.
PATIENCE = 10.0
# An address of an honest robot has one name; of more only these are looked at.
MOST_NAMES = 4

# address -> its names; name -> its addresses. Both raise LookupFailedError when nobody can tell.
NamesOf = Callable[[str], Awaitable[list[str]]]
AddressesOf = Callable[[str], Awaitable[list[str]]]


class LookupFailedError(Exception):
    """The name servers gave no answer: neither a confirmation nor a refusal."""


class Testimony(NamedTuple):
    """What was found of a robot at an address, and until when it holds (on the clock)."""

    word: Crawler
    until: float


class Witness:
    """Confirms robots for one worker. ``count`` hears ``confirmed``, ``refuted``, ``unanswered`` or ``left_out``."""

    def __init__(
        self, names_of: NamesOf, addresses_of: AddressesOf, *, clock: Callable[[], float], count: Callable[[str], None]
    ) -> None:
        self._names_of = names_of
        self._addresses_of = addresses_of
        self._clock = clock
        self._count = count
        self._known: LRUCache[tuple[str, str], Testimony] = LRUCache(KEPT)
        self._waiting: dict[tuple[str, str], None] = {}
        self._asked: dict[tuple[str, str], asyncio.Task[None]] = {}

    def testify(self, robot: str, address: str) -> Crawler:
        """Return what is known of ``robot`` at ``address``; NONE while nothing is. Never waits, never raises.

        VERIFIED and IMPOSTOR stand until they are asked for anew; the old answer counts meanwhile.
        """
        if robot not in DOMAINS:
            return Crawler.NONE
        key = (robot, address)
        found = self._known.get(key)
        if found is not None and found.until > self._clock():
            return found.word
        if key not in self._waiting and key not in self._asked:
            if len(self._waiting) < WAITING:
                self._waiting[key] = None
            else:
                self._count("left_out")
        return Crawler.NONE if found is None else found.word

    def turn(self) -> None:
        """Begin to ask what waits, as far as there is room; called in the event loop, about once a second."""
        loop = asyncio.get_running_loop()
        while self._waiting and len(self._asked) < AT_ONCE:
            key = next(iter(self._waiting))
            del self._waiting[key]
            self._asked[key] = loop.create_task(self._ask(key))

    async def settle(self) -> None:
        """Wait until nothing is under way any more."""
        while self._asked:
            await asyncio.gather(*self._asked.values())

    def close(self) -> None:
        """Ask nothing any more."""
        self._waiting.clear()
        for task in self._asked.values():
            task.cancel()

    async def _ask(self, key: tuple[str, str]) -> None:
        robot, address = key
        try:
            async with asyncio.timeout(PATIENCE):
                confirmed = await self._confirmed(address, DOMAINS[robot])
            word = Crawler.VERIFIED if confirmed else Crawler.IMPOSTOR
        except (LookupFailedError, TimeoutError):
            word = Crawler.NONE
        finally:
            self._asked.pop(key, None)
        self._known[key] = Testimony(word, self._clock() + HOLDS[word])
        self._count({Crawler.VERIFIED: "confirmed", Crawler.IMPOSTOR: "refuted", Crawler.NONE: "unanswered"}[word])
        self.turn()

    async def _confirmed(self, address: str, domains: tuple[str, ...]) -> bool:
        for name in (await self._names_of(address))[:MOST_NAMES]:
            if within_domain(name, domains) and address in map(canonical, await self._addresses_of(name)):
                return True
        return False


def within_domain(name: str, domains: tuple[str, ...]) -> bool:
    """Tell whether ``name`` is one of ``domains`` or below it; case and a dot at the end do not matter."""
    plain = name.rstrip(".").lower()
    return any(plain == domain or plain.endswith("." + domain) for domain in domains)


def canonical(address: str) -> str:
    """Return an address as ``ipaddress`` writes it, '' for what is none."""
    parsed = parse_address(address)
    return "" if parsed is None else str(parsed)
