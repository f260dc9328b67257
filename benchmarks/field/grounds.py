"""Where everybody of the field sits: addresses drawn from the bundled snapshot, only ever claimed, on loopback."""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterator
from random import Random

from shieldproxy.cli.demo import botnet
from shieldproxy.cli.demo.addresses import Snapshot, Wanted, draws, row, survey
from shieldproxy.cli.demo.botnet import Bot
from shieldproxy.intel.shapes import asn_of

RENTED = ("hosting", "vpn")
# In a public log of 1,260 sessions of people: of a hundred so many sat in hosting or VPN networks (offices, VPNs), and
# so many in one of the eleven networks that take part in the published flood.
PEOPLE_RENTED, PEOPLE_AMONG_BOTS = 0.15, 0.03
MOST_DRAWS = 400_000


def botnet_of(snapshot: Snapshot, chance: Random) -> tuple[Bot, ...]:
    """Return the 948 addresses of the published flood's shape."""
    named = dict(zip((asn for asn, _ in botnet.NAMED), botnet.BLOCKS, strict=False))
    wanted = Wanted(named, botnet.BLOCKS[len(named) :], botnet.NEVER)
    grounds = survey(snapshot.lookup, snapshot.classes, wanted, chance)
    return botnet.muster({asn: grounds[asn] for asn in [*named, *(asn for asn in grounds if asn not in named)]}, chance)


def homes(
    snapshot: Snapshot, count: int, bots: Collection[Bot], chance: Random, *, only_isps: bool = False
) -> list[str]:
    """Return addresses of ``count`` people, none of a bot: most at home or on a telephone, some in offices and VPNs."""
    taken = {bot.address for bot in bots}
    among = sorted({bot.address.rpartition(".")[0] for bot in bots})
    found: list[str] = []
    source = draws(chance)
    while len(found) < count:
        if not only_isps and bots and chance.random() < PEOPLE_AMONG_BOTS:
            address = f"{chance.choice(among)}.{chance.randrange(1, 255)}"
        else:
            wants_rented = not only_isps and chance.random() < PEOPLE_RENTED
            address = _one(snapshot, source, wants_rented=wants_rented)
        if address not in taken:
            taken.add(address)
            found.append(address)
    return found


def _one(snapshot: Snapshot, source: Iterator[int], *, wants_rented: bool) -> str:
    for number in source:
        address = socket.inet_ntoa(number.to_bytes(4))
        label = snapshot.networks.label(address)
        if not label.asn or label.crawler:
            continue
        if (label.network_class in RENTED) is wants_rented:
            return address
    raise AssertionError("draws do not end")


def swarm(snapshot: Snapshot, asns: int, addresses: int, chance: Random) -> list[str]:
    """Return ``addresses`` in ``asns`` networks, at least half of them of carriers and others who serve people."""
    blocks: dict[int, list[str]] = {}
    for count, number in enumerate(draws(chance)):
        address = socket.inet_ntoa(number.to_bytes(4))
        record, length = snapshot.lookup(address)
        asn = asn_of(record)[0] if record else 0
        if asn and asn not in botnet.NEVER and length <= 24 and (asn in blocks or len(blocks) < asns):
            own = blocks.setdefault(asn, [])
            if len(own) < 8:
                own += list(row(address, length))[: 8 - len(own)]
        if count > MOST_DRAWS:
            break
    found: set[str] = set()
    order = list(blocks.values())
    while len(found) < addresses:
        own = order[len(found) % len(order)]
        found.add(f"{chance.choice(own)}{chance.randrange(1, 255)}")
    drawn = sorted(found)
    chance.shuffle(drawn)
    return drawn
