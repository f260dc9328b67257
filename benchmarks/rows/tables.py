"""Rows about the table of buckets alone: more clients than this machine can send are charged in a minute of its clock.

Buckets are named and charged as a worker does it, by the limits of the defaults; sockets, pages and records are left
out. Beside the table stands an account of its own of one client that misbehaves.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.addresses import ONE_SITE_SPACE, address_in_one_site, claimed_address
from benchmarks.comparison import room_in
from benchmarks.generators import Load, run_load
from benchmarks.node import Node
from benchmarks.origin import Origin
from benchmarks.plan import Via
from benchmarks.resident import resident
from benchmarks.rows.crowd import BURST, CLIENTS, FIRST, GROWTH, PEST_RATE, RATE, SECONDS, SLOTS, TABLE_MIB
from benchmarks.rows.finding import Finding, Result, at_most, holds
from shieldproxy.core.addresses import client_key, network_key, parse_address
from shieldproxy.core.buckets import TOLERANCE
from shieldproxy.guard.gathering import PAGE_INTERVAL, PAGE_SPAN
from shieldproxy.guard.visits import PAGES
from shieldproxy.settings.compiling import compile_policy
from shieldproxy.settings.reading import load
from shieldproxy.state.buckets import BucketTable
from shieldproxy.state.memory import NodeMemory, Region, Sizes
from shieldproxy.state.slots import SlotTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.comparison import Bench

PEST = "198.51.100.77"  # RFC 5737
SITE_CLIENTS = 1_000_000
AT_ONCE, A_SECOND = 150, 15
"""The limit of one neighbourhood, as it is by default."""
WIRE_SECONDS = 10.0
BY_FIELD = 'trusted_proxies = ["127.0.0.0/8"]\nclient_address = "x-forwarded-for"'
CALM = "[posture]\naudit = 0\nfloor = 1000000"


class Charged(NamedTuple):
    """What became of a crowd in the table."""

    served: int
    """Requests of the pest that its limit let through."""
    allowed: int
    """The same by an account of its own, exact."""
    evictions: int
    live: int
    growth: float
    challenged: int
    """Clients whose network was beyond what it may ask."""


def crowd_in_memory(bench: Bench) -> Result:
    """1,700,000 IPv4 clients in sixty seconds of the table's clock."""
    bench.tell(f"tables: {CLIENTS:,} clients")
    found = charge_crowd(claimed_address, CLIENTS)
    return Result(
        [
            at_most(
                "tables",
                f"table of {CLIENTS:,} clients in 60 s, MiB",
                TABLE_MIB,
                64.0,
                form="{:.0f}",
                note=f"{found.live:,} live at the end, {found.evictions:,} evictions",
            ),
            at_most("tables", "growth of memory after the first 100,000", found.growth, GROWTH, form="{:.1%}"),
            holds(
                "tables",
                "one that misbehaves among them",
                f"{found.served} let through",
                true=found.served == found.allowed,
                wanted=f"{found.allowed}, exactly",
            ),
        ]
    )


def one_site(bench: Bench) -> Result:
    """A million addresses of one IPv6 /48 in sixty seconds of the table's clock, and as many as come on the wire."""
    bench.tell(f"networks: {SITE_CLIENTS:,} addresses of one /48")
    found = charge_crowd(address_in_one_site, min(SITE_CLIENTS, ONE_SITE_SPACE))
    served = SITE_CLIENTS - found.challenged
    allowed = AT_ONCE + A_SECOND * SECONDS
    return Result(
        [
            holds(
                "networks",
                "1,000,000 addresses of one /48: not challenged",
                f"{served:,}",
                true=abs(served - allowed) <= 2,
                wanted=f"{allowed:,.0f} (+-2)",
                note=f"one network: {AT_ONCE} at once and {A_SECOND}/s",
            ),
            holds(
                "networks",
                "live buckets pushed out",
                f"{found.evictions}",
                true=found.evictions == 0,
                wanted="0",
                note=f"{found.live:,} live at the end",
            ),
            holds(
                "networks",
                "one that misbehaves beside them",
                f"{found.served} let through",
                true=found.served == found.allowed,
                wanted=f"{found.allowed}, exactly",
            ),
            *_one_site_on_the_wire(bench),
        ]
    )


def _one_site_on_the_wire(bench: Bench) -> list[Finding]:
    bench.tell("networks: one /48 on the wire")
    load = Load(clients=ONE_SITE_SPACE, via=Via.ONE_SITE)
    with ExitStack() as stack:
        site, room = (stack.enter_context(room_in(bench.space, name)) for name in ("origin", "networks"))
        origin = stack.enter_context(Origin(site, bench.cores.origin))
        node = stack.enter_context(Node(room, bench.cores.server, origin=origin.url, server=BY_FIELD, more=CALM))
        reading = run_load(node.url, load, WIRE_SECONDS, bench.cores.load, own=True)
        evictions = node.counters()["shieldproxy_bucket_evictions_total"]
    served = reading.statuses.get("200", 0)
    allowed = AT_ONCE + A_SECOND * reading.seconds
    return [
        holds(
            "networks",
            "the same on the wire: not challenged",
            f"{served:,} of {reading.requests:,}",
            true=abs(served - allowed) <= 2 + A_SECOND * 0.1 and not evictions,
            wanted=f"{allowed:,.0f} (+-{2 + A_SECOND * 0.1:.0f})",
            note=f"{reading.clients:,} addresses in {reading.seconds:.0f} s, {evictions:.0f} evictions",
        )
    ]


def charge_crowd(address: Callable[[int], str], clients: int, slots: int = SLOTS) -> Charged:
    """Let `clients` ask once each within SECONDS, the pest beside them, by the limits of the defaults."""
    memory = NodeMemory.create(Sizes(buckets=slots), os.urandom(32))
    try:
        crowd = _Crowd(memory)
        account = _Account()
        pest = crowd.slots(PEST)
        first = served = challenged = asked = 0
        for n in range(clients):
            now = 1_000.0 + n * SECONDS / clients
            if now - 1_000.0 >= asked / PEST_RATE:
                asked += 1
                account.ask(now)
                served += crowd.ask(pest, now)[0]
            challenged += not crowd.ask(crowd.slots(address(n)), now)[1]
            if n == min(FIRST, clients // 3):
                first = resident(os.getpid()).bytes
        growth = resident(os.getpid()).bytes / first - 1.0
        live = crowd.table.occupancy(1_000.0 + SECONDS).live
        return Charged(served, account.allowed, crowd.table.evictions, live, max(0.0, growth), challenged)
    finally:
        memory.close()


class _Account:
    """What the pest may have, by a bucket that knows nobody else: tokens, as the documentation tells it."""

    def __init__(self) -> None:
        self.allowed = 0
        self._tokens = BURST
        self._last = 0.0

    def ask(self, now: float) -> None:
        self._tokens = min(BURST, self._tokens + (now - self._last) * RATE)
        self._last = now
        if self._tokens >= 1.0 - TOLERANCE:
            self._tokens -= 1.0
            self.allowed += 1


class _Crowd:
    """The table of a node, charged as a worker charges it for a page that a newcomer asks for."""

    def __init__(self, memory: NodeMemory) -> None:
        limits = {limit.name: limit for limit in compile_policy(load(None)).limits}
        self._own, self._shared = limits["client"], limits["network"]
        scopes = {name: limit.scope for name, limit in limits.items()}
        self.table = BucketTable(SlotTable(memory.region(Region.BUCKETS)), memory.secret, scopes)
        self._keys: dict[str, tuple[str, str]] = {}

    def slots(self, address: str) -> tuple[int, int, int]:
        """The buckets of whoever sits at `address`: its own, its neighbourhood's, and that of its pages."""
        if ":" in address:  # the keys of a /64 are made once and remembered, for they take longer than all the rest
            prefix = address.rpartition(":")[0]
            keys = self._keys.get(prefix)
            if keys is None:
                keys = self._keys[prefix] = keys_of(address)
        else:
            keys = address, address.rpartition(".")[0]
        slot = self.table.slot
        return slot("client", keys[0]), slot("network", keys[1]), slot(PAGES, keys[0])

    def ask(self, slots: tuple[int, int, int], now: float) -> tuple[bool, bool]:
        """Charge a page: whether the client's own limit lets it through, and its neighbourhood's too."""
        charge = self.table.charge
        if charge(slots[0], self._own.interval, self._own.span, now) < 0.0:
            return False, False
        if charge(slots[1], self._shared.interval, self._shared.span, now) < 0.0:
            return True, False
        charge(slots[2], PAGE_INTERVAL, PAGE_SPAN, now)
        return True, True


def keys_of(address: str) -> tuple[str, str]:
    """Whom the product counts for `address`: the client and the neighbourhood."""
    parsed = parse_address(address)
    assert parsed is not None
    return client_key(parsed), network_key(parsed)
