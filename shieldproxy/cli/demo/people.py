"""People: who browses during the demo, with what, and from which network."""

from __future__ import annotations

from enum import StrEnum
from random import Random
from typing import NamedTuple

from shieldproxy.cli.demo import browsers
from shieldproxy.cli.demo.addresses import Ground, Snapshot
from shieldproxy.cli.demo.browsers import Program


class Habit(StrEnum):
    """How somebody uses the site."""

    BROWSER = "browser"
    TEXT = "text browser"
    FEED = "feed reader"
    APP = "app"
    ROBOT = "search engine"


class Role(NamedTuple):
    """Somebody to be played. ``at`` is an AS number, an IPv6 prefix with its AS number, or a robot's name.

    ``arrives`` is a share of the show; ``sharing`` names a household: its members have one address.
    """

    who: str
    at: int | tuple[str, int] | str
    program: Program
    language: str
    arrives: float
    habit: Habit = Habit.BROWSER
    sharing: str = ""


class Person(NamedTuple):
    """Somebody with an address."""

    role: Role
    address: str
    asn: int


# The flood begins at a quarter of the show: roles before 0.25 were there already, the others come while it rages.
CAST = (
    Role("at home, Deutsche Telekom", 3320, browsers.FIREFOX, "de,en;q=0.5", 0.00),
    Role("at home, Vodafone", 3209, browsers.CHROME, "de-DE,de;q=0.9", 0.02),
    Role("on a phone, O2", 6805, browsers.CHROME_PHONE, "de-DE,de;q=0.9,tr;q=0.8", 0.05),
    Role("at home, Swisscom", 3303, browsers.SAFARI, "de-CH,de;q=0.9", 0.04),
    Role("at home, Sunrise", 6730, browsers.EDGE, "fr-CH,fr;q=0.9,en;q=0.8", 0.10),
    Role("at home, A1 Telekom", 8447, browsers.FIREFOX_LINUX, "de-AT,de;q=0.8,en;q=0.3", 0.14),
    Role("at home, Orange", 3215, browsers.CHROME, "fr-FR,fr;q=0.9", 0.18),
    Role("on a phone, Salt", 15796, browsers.IPHONE, "it-CH,it;q=0.9", 0.20),
    Role("at home, BT", 2856, browsers.EDGE, "en-GB,en;q=0.9", 0.30),
    Role("at home, KPN", 1136, browsers.FIREFOX, "nl,en-US;q=0.7,en;q=0.3", 0.33),
    Role("at home, Telecom Italia", 3269, browsers.OLD_IPAD, "it-it", 0.37),
    Role("on a phone, Telefonica", 3352, browsers.IPHONE, "es-ES,es;q=0.9", 0.42),
    Role("at home, Orange Polska", 5617, browsers.CHROME, "pl-PL,pl;q=0.9", 0.48),
    Role("on a phone, Deutsche Telekom", 3320, browsers.CHROME_PHONE, "de-DE,de;q=0.9", 0.55),
    Role("at home, Vodafone", 3209, browsers.SAFARI, "uk-UA,uk;q=0.9,de;q=0.8", 0.62),
    Role("at home, IPv6, Deutsche Telekom", ("2003:c0::/28", 3320), browsers.FIREFOX, "de,en;q=0.5", 0.08),
    Role("at home, IPv6, Swisscom", ("2a02:1200::/28", 3303), browsers.CHROME, "de-CH,de;q=0.9", 0.50),
    # A carrier's address with many people behind it.
    Role("behind one address of O2", 6805, browsers.CHROME_PHONE, "de-DE,de;q=0.9", 0.03, sharing="nat"),
    Role("behind one address of O2", 6805, browsers.IPHONE, "ar,de;q=0.7", 0.16, sharing="nat"),
    Role("behind one address of O2", 6805, browsers.CHROME, "en-US,en;q=0.9", 0.40, sharing="nat"),
    Role("behind one address of O2", 6805, browsers.FIREFOX, "de,en;q=0.5", 0.58, sharing="nat"),
    # Neighbours of the botnet: the same operators, and nothing to do with it.
    Role("with a VPN, as much of the botnet", 212238, browsers.FIREFOX, "de-CH,de;q=0.8", 0.06),
    Role("with a VPN, as much of the botnet", 212238, browsers.CHROME, "fr-CH,fr;q=0.9", 0.45),
    Role("in an office on Cogent's lines", 174, browsers.EDGE, "en-GB,en;q=0.9", 0.12),
    Role("in an office on Cogent's lines", 174, browsers.CHROME, "de-CH,de;q=0.9", 0.52),
    Role("without scripts, on a rented server", 24940, browsers.W3M, "en;q=1.0", 0.15, Habit.TEXT),
    Role("reads the news feed", 24940, browsers.FEED_READER, "", 0.01, Habit.FEED),
    Role("asks for the opening hours", 15796, browsers.APP, "", 0.09, Habit.APP),
    Role("Googlebot", "googlebot", browsers.GOOGLEBOT, "", 0.07, Habit.ROBOT),
)


def operators() -> dict[int, int]:
    """Return how many /24s of each AS number the cast needs."""
    return {role.at: 1 for role in CAST if isinstance(role.at, int)}


def gather(grounds: dict[int, Ground], snapshot: Snapshot, taken: frozenset[str], chance: Random) -> list[Person]:
    """Return the cast with addresses, none of them among ``taken``; the same for the same ``chance``."""
    used = set(taken)
    shared: dict[str, str] = {}
    people = []
    for role in CAST:
        address = shared.get(role.sharing) or _address(role, grounds, snapshot, used, chance)
        used.add(address)
        if role.sharing:
            shared[role.sharing] = address
        people.append(Person(role, address, snapshot.networks.label(address).asn))
    return people


def _address(role: Role, grounds: dict[int, Ground], snapshot: Snapshot, used: set[str], chance: Random) -> str:
    if isinstance(role.at, str):
        return snapshot.robot_address(role.at, chance)
    if isinstance(role.at, tuple):
        return snapshot.address_of(*role.at, chance)
    blocks = grounds[role.at].blocks
    return next(
        address
        for block in blocks
        for host in chance.sample(range(1, 255), 254)
        if (address := f"{block}{host}") not in used
    )
