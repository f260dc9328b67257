"""The witness: robots confirmed by the names of their addresses, beside the requests and within bounds."""

from __future__ import annotations

import asyncio

import pytest

from shieldproxy.core.facts import Crawler
from shieldproxy.intel import witness as at
from shieldproxy.intel.crawlers import DOMAINS
from shieldproxy.intel.witness import AT_ONCE, WAITING, LookupFailedError, Witness, within_domain
from tests.fakes.clock import HandClock

ROBOT, HOME, ELSEWHERE = "qwantbot", "91.242.162.1", "192.0.2.7"
NAMES = {
    HOME: ["qwantbot-1.qwant.com."],
    "2001:db8::1": ["six.qwant.com"],
    ELSEWHERE: ["host.example.net"],
    "192.0.2.8": ["fake.qwant.com"],  # anybody may name an address so
    "192.0.2.9": ["qwant.com.evil.example"],
    "192.0.2.10": ["notqwant.com"],
    "192.0.2.11": [],
    "192.0.2.12": ["a.example", "b.example", "c.example", "d.example", "qwantbot-1.qwant.com."],
}
ADDRESSES = {"qwantbot-1.qwant.com.": [HOME], "six.qwant.com": ["2001:DB8:0::1"], "fake.qwant.com": [HOME]}


class Zone:
    """Names and addresses, and how often was asked; an address called ``broken`` has no answer."""

    def __init__(self) -> None:
        self.clock, self.asked, self.told = HandClock(), 0, list[str]()
        self.gate = asyncio.Event()
        self.gate.set()
        self.witness = Witness(self.names_of, self.addresses_of, clock=self.clock, count=self.told.append)

    async def names_of(self, address: str) -> list[str]:
        """Return the names of an address."""
        self.asked += 1
        await self.gate.wait()
        if address not in NAMES:
            raise LookupFailedError("SERVFAIL")
        return NAMES[address]

    async def addresses_of(self, name: str) -> list[str]:
        """Return the addresses of a name."""
        return ADDRESSES.get(name, [])

    async def learns(self, address: str, robot: str = ROBOT) -> Crawler:
        """Return what is said of an address at last."""
        self.witness.testify(robot, address)
        self.witness.turn()
        await self.witness.settle()
        return self.witness.testify(robot, address)


FOUND = [
    (HOME, Crawler.VERIFIED, "confirmed"),
    ("2001:db8::1", Crawler.VERIFIED, "confirmed"),
    (ELSEWHERE, Crawler.IMPOSTOR, "refuted"),
    ("192.0.2.8", Crawler.IMPOSTOR, "refuted"),
    ("192.0.2.9", Crawler.IMPOSTOR, "refuted"),
    ("192.0.2.10", Crawler.IMPOSTOR, "refuted"),
    ("192.0.2.11", Crawler.IMPOSTOR, "refuted"),
    ("192.0.2.12", Crawler.IMPOSTOR, "refuted"),
    ("198.51.100.1", Crawler.NONE, "unanswered"),
]


@pytest.mark.parametrize(("address", "word", "told"), FOUND)
async def test_only_a_name_that_leads_back_confirms(address: str, word: Crawler, told: str) -> None:
    """Name in the operator's domain and back to the address: both. No answer of the servers says nothing."""
    zone = Zone()
    assert await zone.learns(address) is word
    assert zone.told == [told]


async def test_nobody_waits_for_it() -> None:
    """The first claim is answered at once, with nothing; it is asked once however often it is made meanwhile."""
    zone = Zone()
    zone.gate.clear()
    for _ in range(5):
        assert zone.witness.testify(ROBOT, HOME) is Crawler.NONE
        zone.witness.turn()
        await asyncio.sleep(0)
    assert zone.asked == 1
    zone.gate.set()
    await zone.witness.settle()
    assert zone.witness.testify(ROBOT, HOME) is Crawler.VERIFIED


async def test_an_answer_holds_and_is_renewed_beside_the_requests() -> None:
    """For a day nobody asks again; then the old answer counts until there is a new one."""
    zone = Zone()
    await zone.learns(HOME)
    zone.clock.advance(86_000.0)
    assert await zone.learns(HOME) is Crawler.VERIFIED
    assert zone.asked == 1
    zone.clock.advance(1_000.0)
    zone.gate.clear()
    zone.witness.testify(ROBOT, HOME)
    zone.witness.turn()
    assert zone.witness.testify(ROBOT, HOME) is Crawler.VERIFIED
    zone.gate.set()
    await zone.witness.settle()
    assert zone.asked == 2


async def test_a_failure_is_soon_asked_again() -> None:
    """Servers that were down for a minute do not make a stranger of a robot for a day."""
    zone = Zone()
    await zone.learns("198.51.100.1")
    zone.clock.advance(299.0)
    await zone.learns("198.51.100.1")
    assert zone.asked == 1
    zone.clock.advance(2.0)
    await zone.learns("198.51.100.1")
    assert zone.asked == 2


async def test_a_flood_of_claims_is_bounded() -> None:
    """So many questions at a time, so many that wait, and the rest is counted and asked when it comes again."""
    zone = Zone()
    zone.gate.clear()
    for number in range(1_000):
        zone.witness.testify(ROBOT, f"10.0.{number // 250}.{number % 250}")
    assert zone.told == ["left_out"] * (1_000 - WAITING)
    zone.witness.turn()
    await asyncio.sleep(0)
    assert zone.asked == AT_ONCE
    zone.gate.set()
    while zone.told.count("unanswered") < WAITING:
        await zone.witness.settle()
    assert zone.asked == WAITING


async def test_a_zone_that_never_answers_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hostile zone holds a question for some seconds, not for ever."""
    monkeypatch.setattr(at, "PATIENCE", 0.05)
    zone = Zone()
    zone.gate.clear()
    assert await zone.learns(HOME) is Crawler.NONE
    assert zone.told == ["unanswered"]


async def test_closing_ends_what_is_under_way() -> None:
    """A worker that stops leaves no question behind."""
    zone = Zone()
    zone.gate.clear()
    zone.witness.testify(ROBOT, HOME)
    zone.witness.turn()
    await asyncio.sleep(0)
    zone.witness.close()
    with pytest.raises(asyncio.CancelledError):
        await zone.witness.settle()
    assert zone.told == []


def test_a_robot_without_names_is_never_asked_for() -> None:
    """Where an operator promises no names, an address proves nothing either way."""
    zone = Zone()
    assert "mj12bot" not in DOMAINS
    assert zone.witness.testify("mj12bot", HOME) is Crawler.NONE
    assert zone.witness.testify("", HOME) is Crawler.NONE


def test_a_domain_is_a_whole_one() -> None:
    """A name that merely ends like the domain lies elsewhere."""
    assert within_domain("QWANT.com", ("qwant.com",))
    assert within_domain("a.b.qwant.com.", ("qwant.com",))
    assert not within_domain("evilqwant.com", ("qwant.com",))
    assert not within_domain("qwant.com.example", ("qwant.com",))
