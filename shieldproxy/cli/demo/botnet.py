"""The botnet's shape: who takes part, how often each asks, for what. Pure, and the same for the same chance.

Built from the published figures of the flood on Swiss government sites of 2024-01-17 (GovCERT.ch, evidence in
docs): 948 addresses in 86 /24s of 11 operators; 179 requests a second; the first three operators send 75.7 % of
them, the first five 89.5 %, AS212238 alone 37.8 %; 91.9 % of the addresses lie in hosting or VPN networks; per
address the median is 0.14 requests a second, the 90th percentile 1.23, the largest 2.69. The addresses themselves
are not those of the flood.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from random import Random
from typing import NamedTuple

from shieldproxy.cli.demo.addresses import Ground

ADDRESSES = 948
RATE = 179.0

# Operators that the published figures name, with their share of the requests.
NAMED = ((212238, 0.378), (174, 0.195), (60068, 0.184))
# The other eight are stand-ins. Their shares are chosen so that five operators make 89.5 %.
OTHERS = (0.104, 0.034, 0.030, 0.026, 0.022, 0.017, 0.007, 0.003)
SHARES = (*(share for _, share in NAMED), *OTHERS)
# /24s of each, 86 in all.
BLOCKS = (28, 12, 14, 14, 3, 4, 3, 3, 2, 2, 1)
# These never stand in: half of the Web and Apple's Private Relay are behind addresses of Akamai.
NEVER = frozenset((12222, 16625, 20940, 21342, 24319, 35994, 36183, 63949))
# AS174 is no hosting company: it has the 8.1 % of the addresses that lie in neither kind of network.
PLAIN_ASN, PLAIN_ADDRESSES = 174, 77

# Requests a second of one address while it takes part: between these points the logarithm runs straight.
QUANTILES = ((0.0, 0.01), (0.5, 0.14), (0.9, 1.23), (0.99, 1.8), (1.0, 2.69))

Asked = tuple[str, str, bytes | None]


class Bot(NamedTuple):
    """One address of the botnet; ``rate`` is requests a second while it takes part, ``agent`` its browser's number."""

    address: str
    asn: int
    rate: float
    agent: int


class Shot(NamedTuple):
    """One request of the flood: seconds from its beginning, and whose it is."""

    at: float
    bot: Bot


def rates(count: int = ADDRESSES) -> list[float]:
    """Return the requests a second of each address, the largest first."""
    return [rate_at(1.0 - place / (count - 1)) for place in range(count)]


def rate_at(quantile: float) -> float:
    """Return the requests a second below which the part ``quantile`` of the addresses stays."""
    for (left, low), (right, high) in itertools.pairwise(QUANTILES):
        if quantile <= right:
            return low * math.exp((quantile - left) / (right - left) * math.log(high / low))
    return QUANTILES[-1][1]


def presence() -> float:
    """Return the part of the time that each address takes part: with all at once it would be more than RATE."""
    return RATE / sum(rates())


def muster(grounds: Mapping[int, Ground], chance: Random) -> tuple[Bot, ...]:
    """Return the bots on ``grounds``, which are in the order of SHARES (named operators first)."""
    bots = []
    for ground, own in zip(grounds.values(), allot(tuple(grounds), rates()), strict=True):
        bots += [
            Bot(address, ground.asn, rate, chance.randrange(1 << 16))
            for address, rate in zip(addresses(ground.blocks, len(own), chance), own, strict=True)
        ]
    return tuple(bots)


def allot(asns: Sequence[int], all_rates: Sequence[float]) -> list[list[float]]:
    """Divide the rates among the operators so that each has its share of the whole."""
    total = sum(all_rates)
    plain = asns.index(PLAIN_ASN)
    own: list[list[float]] = [[] for _ in asns]
    own[plain] = spaced(all_rates, PLAIN_ADDRESSES, SHARES[plain] * total)
    left = list(all_rates)
    for rate in own[plain]:
        left.remove(rate)
    wants = {place: SHARES[place] * total for place in range(len(asns)) if place != plain}
    for rate in left:
        place = max(wants, key=lambda index: wants[index])
        wants[place] -= rate
        own[place].append(rate)
    return own


def spaced(descending: Sequence[float], count: int, total: float) -> list[float]:
    """Return ``count`` values, evenly spaced among the first of ``descending``, whose sum is nearest to ``total``."""

    def among(first: int) -> list[float]:
        return [descending[place * first // count] for place in range(count)]

    return min((among(first) for first in range(count, len(descending) + 1)), key=lambda own: abs(sum(own) - total))


def addresses(blocks: Sequence[str], count: int, chance: Random) -> list[str]:
    """Return ``count`` addresses, spread over all ``blocks``, no two alike."""
    hosts = {block: chance.sample(range(1, 255), 254) for block in blocks}
    return [f"{block}{hosts[block].pop()}" for block, _ in zip(itertools.cycle(blocks), range(count), strict=False)]


def schedule(bots: Sequence[Bot], seconds: float, chance: Random) -> list[Shot]:
    """Return the requests of ``seconds`` of flood in order.

    Addresses come and go: each takes part for the same share of the time, from a moment of its own. Five hours of
    coming and going are pressed into these seconds; the requests a second, of all and of each address, are not.
    """
    present = presence() * seconds
    shots = []
    for bot in bots:
        begin = chance.uniform(0.0, seconds)
        at = chance.uniform(0.0, 1.0 / bot.rate)
        while at < present:
            shots.append(Shot((begin + at) % seconds, bot))
            at += chance.uniform(0.5, 1.5) / bot.rate
    return sorted(shots)


def wish(chance: Random) -> Asked:
    """Return (method, path, body) of one request: what costs the site most, with something random past caches."""
    word = f"{chance.getrandbits(32):08x}"
    kind = chance.random()
    if kind < 0.5:
        return "GET", f"/search?q={word}", None
    if kind < 0.75:
        return "GET", f"/?{word}", None
    if kind < 0.9:
        return "GET", f"/appointments?office={word}", None
    return "POST", "/forms", f"subject={word}&message={word}".encode()
