"""Addresses that clients of the demo claim: drawn by chance from the bundled snapshot, so that labels are real.

They are only claimed, on loopback, in PROXY lines; not one packet goes to them.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from random import Random
from typing import Any, NamedTuple

from shieldproxy.core.errors import StartError
from shieldproxy.intel.databases import Databases
from shieldproxy.intel.networks import Networks
from shieldproxy.intel.shapes import asn_of
from shieldproxy.intel.tables import read_classes, read_robots

# IPv4 unicast without the first and the last /8s, which hold nobody.
FIRST, SPAN = 1 << 24, 222 << 24
# An AS of a hundred thousand addresses is met about once in 27,000 draws; this suffices for the smallest we want.
MOST_DRAWS = 1_500_000
# After these, some three hundred hosting networks were met.
LEAST_DRAWS = 50_000
# Looked at first, so that nobody waits for such a meeting: AS60068 had much of these in the snapshot of 2026-06.
NEAR = (79 << 24 | 127 << 16, 152 << 24 | 233 << 16, 169 << 24 | 150 << 16)
NEAR_DRAWS, NEAR_SPAN = 100, 1 << 16
# So many neighbours are taken with a /24 that was met: providers number their servers in a row.
ROW = 8

# No operator of the botnet has more /24s; the great clouds are met thousands of times.
ENOUGH = 32
# Kinds of networks that may stand in for those the published figures do not name.
STAND_INS = ("hosting", "vpn")

Lookup = Callable[[str], tuple[Any, int]]


class Ground(NamedTuple):
    """An operator of networks with some of its /24s, written without the last number: ``192.0.2.``."""

    asn: int
    name: str
    network_class: str
    blocks: tuple[str, ...]


class Snapshot:
    """The bundled databases, opened for drawing."""

    def __init__(self) -> None:
        databases = Databases(folders=())
        if databases.current.asn is None or databases.current.country is None:
            raise StartError("the bundled ASN and country snapshot cannot be read: " + "; ".join(databases.problems))
        self.lookup: Lookup = databases.current.asn.reader.get_with_prefix_len
        self.classes = read_classes()
        self.robots = read_robots()
        self.networks = Networks(databases, self.classes, self.robots)

    def robot_address(self, robot: str, chance: Random) -> str:
        """Return an IPv4 address out of the ranges that ``robot`` publishes; raises StartError when there is none."""
        ranges = [network for network, name in self.robots if name == robot and network.version == 4]
        if not ranges:
            raise StartError(f"the bundled snapshot has no addresses of {robot}")
        chosen = chance.choice(ranges)
        return str(chosen[chance.randrange(chosen.num_addresses)])

    def address_of(self, prefix: str, asn: int, chance: Random) -> str:
        """Return an address inside the IPv6 ``prefix``; raises StartError unless the snapshot says it is of ``asn``."""
        network = ipaddress.IPv6Network(prefix)
        address = str(network[chance.getrandbits(128 - network.prefixlen)])
        if self.networks.label(address).asn != asn:
            raise StartError(f"{address} is no longer of AS{asn} in the bundled snapshot")
        return address


class Wanted(NamedTuple):
    """What to look for: so many /24s of each AS in ``named``, and of ``others`` further hosting and VPN networks.

    ``others`` has the /24s of each stand-in, ``never`` the AS numbers that must not stand in.
    """

    named: Mapping[int, int]
    others: tuple[int, ...] = ()
    never: frozenset[int] = frozenset()


def survey(lookup: Lookup, classes: Mapping[int, str], wanted: Wanted, chance: Random) -> dict[int, Ground]:
    """Return the grounds of ``wanted``, named ones first; the same for the same ``chance``.

    Raises StartError when the database does not hold them.
    """
    found: dict[int, list[str]] = {}
    names: dict[int, str] = {}
    missing = {asn for asn, count in wanted.named.items() if count}
    welcome = missing | {asn for asn, word in classes.items() if word in STAND_INS} - wanted.never
    for count, number in enumerate(draws(chance)):
        if not missing and count > LEAST_DRAWS:
            break
        address = socket.inet_ntoa(number.to_bytes(4))
        record, length = lookup(address)
        asn, name = asn_of(record) if record else (0, "")
        if asn in welcome and len(blocks := found.setdefault(asn, [])) < ENOUGH:
            names[asn] = name
            blocks += [block for block in row(address, length) if block not in blocks]
            if len(blocks) >= wanted.named.get(asn, 0):
                missing.discard(asn)
    if missing:
        raise StartError(f"the bundled snapshot holds too little of AS{min(missing)}")
    chosen = [*wanted.named.items(), *_stand_ins(found, wanted)]
    return {asn: Ground(asn, names[asn], classes.get(asn, "other"), tuple(found[asn][:count])) for asn, count in chosen}


def draws(chance: Random) -> Iterator[int]:
    """Yield IPv4 addresses by chance: some from where we expect something, then from everywhere, not for ever."""
    for start in NEAR:
        for _ in range(NEAR_DRAWS):
            yield start + int(NEAR_SPAN * chance.random())
    for _ in range(MOST_DRAWS):
        yield FIRST + int(SPAN * chance.random())


def row(address: str, length: int) -> Iterable[str]:
    """Return the /24 of ``address`` and its neighbours inside the prefix of ``length`` bits, at most ROW in all."""
    if length > 24:
        return ()
    number = int.from_bytes(socket.inet_aton(address)) >> 8
    size = 1 << (24 - length)
    start = number - number % size
    return tuple(
        ".".join(str(part) for part in block.to_bytes(3)) + "."
        for block in (start + (number - start + step) % size for step in range(min(ROW, size)))
    )


def _stand_ins(found: Mapping[int, list[str]], wanted: Wanted) -> list[tuple[int, int]]:
    """Return AS numbers for ``wanted.others``, the least found first: not the great clouds, which everybody uses."""
    candidates = sorted((len(blocks), asn) for asn, blocks in found.items() if asn not in wanted.named)
    chosen: list[tuple[int, int]] = []
    for count in sorted(wanted.others):
        size_asn = next(((size, asn) for size, asn in candidates if size >= count), None)
        if size_asn is None:
            raise StartError("the bundled snapshot names too few hosting networks")
        candidates.remove(size_asn)
        chosen.append((size_asn[1], count))
    # In the order in which they were asked for.
    return [chosen[place] for place in _ranks(wanted.others)]


def _ranks(counts: tuple[int, ...]) -> list[int]:
    order = sorted(range(len(counts)), key=lambda place: counts[place])
    return [order.index(place) for place in range(len(counts))]
