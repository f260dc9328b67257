"""The botnet has the shape of the published figures (GovCERT.ch, flood of 2024-01-17)."""

from __future__ import annotations

import statistics
from collections import Counter
from random import Random

import pytest

from shieldproxy.cli.demo import botnet
from shieldproxy.cli.demo.addresses import Snapshot, Wanted, survey
from shieldproxy.cli.demo.botnet import Bot


@pytest.fixture(scope="module")
def bots() -> tuple[Bot, ...]:
    """Return a botnet on addresses of the snapshot."""
    snapshot = Snapshot()
    named = dict(zip((asn for asn, _ in botnet.NAMED), botnet.BLOCKS, strict=False))
    grounds = survey(snapshot.lookup, snapshot.classes, Wanted(named, botnet.BLOCKS[3:], botnet.NEVER), Random(1))
    return botnet.muster(grounds, Random(1))


def shares(bots: tuple[Bot, ...]) -> list[tuple[int, float]]:
    """Return operators and their shares of the requests, the largest first."""
    total = sum(bot.rate for bot in bots)
    counted: dict[int, float] = {}
    for bot in bots:
        counted[bot.asn] = counted.get(bot.asn, 0.0) + bot.rate / total
    return sorted(counted.items(), key=lambda item: -item[1])


def test_so_many_addresses_networks_and_operators(bots: tuple[Bot, ...]) -> None:
    """948 addresses, no two alike, in 86 /24s of 11 operators."""
    assert len(bots) == len({bot.address for bot in bots}) == 948
    assert len({bot.address.rpartition(".")[0] for bot in bots}) == 86
    assert len({bot.asn for bot in bots}) == 11


def test_the_shares_of_the_operators(bots: tuple[Bot, ...]) -> None:
    """AS212238 sends 37.8 %, then AS174 and AS60068; three operators 75.7 %, five 89.5 %."""
    ranked = shares(bots)
    assert [asn for asn, _ in ranked[:3]] == [212238, 174, 60068]
    assert ranked[0][1] == pytest.approx(0.378, abs=0.002)
    assert sum(share for _, share in ranked[:3]) == pytest.approx(0.757, abs=0.003)
    assert sum(share for _, share in ranked[:5]) == pytest.approx(0.895, abs=0.003)


def test_each_address_is_slower_than_a_person(bots: tuple[Bot, ...]) -> None:
    """Median 0.14 requests a second, nine in ten below 1.23, none above 2.69."""
    rates = sorted(bot.rate for bot in bots)
    assert statistics.median(rates) == pytest.approx(0.14, abs=0.01)
    assert rates[int(0.9 * len(rates))] == pytest.approx(1.23, abs=0.03)
    assert rates[-1] == pytest.approx(2.69)


def test_what_limits_would_cut(bots: tuple[Bot, ...]) -> None:
    """1 request/s an address cuts 15.9 %, 2 requests/s 1 %, 5 requests/s an operator 75.7 % of the flood."""
    total = sum(bot.rate for bot in bots)
    cut = [sum(max(0.0, bot.rate - limit) for bot in bots) / total for limit in (1.0, 2.0)]
    assert cut == pytest.approx([0.159, 0.010], abs=0.006)
    over = sum(max(0.0, share * botnet.RATE - 5.0) for _, share in shares(bots))
    assert over / botnet.RATE == pytest.approx(0.757, abs=0.005)


def test_most_addresses_lie_in_hosting_or_vpn_networks(bots: tuple[Bot, ...]) -> None:
    """91.9 % do; only those of AS174 do not."""
    assert sum(bot.asn != botnet.PLAIN_ASN for bot in bots) / len(bots) == pytest.approx(0.919, abs=0.002)


@pytest.mark.parametrize("seconds", [6.0, 30.0])
def test_the_flood_asks_as_often_as_it_did(bots: tuple[Bot, ...], seconds: float) -> None:
    """179 requests a second from beginning to end, in order, in a show of any length."""
    shots = botnet.schedule(bots, seconds, Random(2))
    assert len(shots) / seconds == pytest.approx(179.0, rel=0.08)
    assert shots == sorted(shots)
    assert all(0.0 <= shot.at < seconds for shot in shots)
    halves = Counter(shot.at < seconds / 2 for shot in shots)
    assert halves[True] == pytest.approx(halves[False], rel=0.15)


def test_no_address_asks_faster_for_the_sake_of_the_show(bots: tuple[Bot, ...]) -> None:
    """The show is shorter than the flood, so an address asks fewer times, not faster."""
    counts = Counter(shot.bot.address for shot in botnet.schedule(bots, 30.0, Random(2)))
    fastest = {bot.address: bot.rate for bot in bots}
    assert all(count <= 2.0 * fastest[address] * 30.0 * botnet.presence() + 1 for address, count in counts.items())


def test_wishes_cost_the_site_something() -> None:
    """Searches and pages past every cache, some forms; no pictures."""
    chance = Random(3)
    wishes = [botnet.wish(chance) for _ in range(1_000)]
    methods = Counter(method for method, _, _ in wishes)
    assert 50 < methods["POST"] < 150
    assert all((body is not None) == (method == "POST") for method, _, body in wishes)
    assert len({path for method, path, _ in wishes if method == "GET"}) > 890
