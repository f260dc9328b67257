"""A node that lives in memory, for whatever speaks to one."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from shieldproxy.control.node import (
    Allowance,
    BanEntry,
    BusyClient,
    BusyNetwork,
    CohortEntry,
    GeoDatabase,
    GeoState,
    Histogram,
    JournalState,
    Node,
    Origin,
    Readiness,
    Status,
    Tallies,
    Top,
)
from shieldproxy.core.addresses import Network


class FakeNode:
    """Does what it is asked, at once, and remembers it; its parts are plain attributes a test may set."""

    def __init__(self, clock: Callable[[], float] = lambda: 1_000.0) -> None:
        self.clock = clock
        self.is_alive = True
        self.readiness = Readiness(ready=True)
        self.banned: dict[str, tuple[float, str]] = {}
        self.allowed: dict[str, tuple[float, str]] = {}
        self.exempt_clients: tuple[Network, ...] = ()
        self.proxies: tuple[Network, ...] = ()
        self.problems: tuple[str, ...] = ()
        self.shared: tuple[CohortEntry, ...] = ()
        self.reloads = 0
        self.reloaded_by = ""
        self.counted = busy_tallies()
        self.state = busy_status()
        self.busiest = busy_top()

    def alive(self) -> bool:
        return self.is_alive

    def ready(self) -> Readiness:
        return self.readiness

    def status(self) -> Status:
        return self.state._replace(bans=len(self.banned), allowances=len(self.allowed))

    def tallies(self) -> Tallies:
        return self.counted._replace(bans=len(self.banned))

    def top(self, count: int) -> Top:
        return self.busiest._replace(networks=self.busiest.networks[:count], clients=self.busiest.clients[:count])

    def bans(self) -> tuple[BanEntry, ...]:
        now = self.clock()
        entries = (BanEntry(key, until - now, why, by="operator") for key, (until, why) in self.banned.items())
        return tuple(sorted(entries, key=lambda entry: -entry.remaining))

    def ban(self, key: str, seconds: float, why: str) -> BanEntry:
        until = self.clock() + seconds
        if key not in self.banned or self.banned[key][0] < until:
            self.banned[key] = (until, why)
        held, cause = self.banned[key]
        return BanEntry(key, held - self.clock(), cause, by="operator")

    def unban(self, key: str) -> bool:
        return self.banned.pop(key, None) is not None

    def allowances(self) -> tuple[Allowance, ...]:
        now = self.clock()
        return tuple(Allowance(key, until - now, why) for key, (until, why) in self.allowed.items())

    def allow(self, key: str, seconds: float, why: str) -> Allowance:
        self.allowed[key] = (self.clock() + seconds, why)
        return Allowance(key, seconds, why)

    def disallow(self, key: str) -> bool:
        return self.allowed.pop(key, None) is not None

    def cohorts(self) -> tuple[CohortEntry, ...]:
        return self.shared

    def revoke(self, trait: str) -> bool:
        before = len(self.shared)
        self.shared = tuple(cohort for cohort in self.shared if cohort.trait != trait)
        return len(self.shared) < before

    def exempt(self) -> tuple[Network, ...]:
        return self.exempt_clients

    def trusted_proxies(self) -> tuple[Network, ...]:
        return self.proxies

    def geo(self) -> GeoState:
        return self.state.geo

    async def reload(self, by: str = "") -> tuple[str, ...]:
        self.reloads += 1
        self.reloaded_by = by
        return self.problems


def busy_tallies() -> Tallies:
    """Return the tallies of a node that has seen a small flood."""
    return Tallies(
        requests={("admit", "admit"): 900, ("throttle", "over_own_limit"): 80, ("drop", "banned"): 20},
        request_duration=Histogram((0.001, 0.01, 0.1), (700, 200, 90, 10), 4.5),
        origin_duration=Histogram((0.001, 0.01, 0.1), (0, 800, 90, 10), 9.25),
        challenges={("proof-of-work", "passed"): 7, ("form", "failed"): 2},
        buckets={"client": 412, "network": 90},
        bucket_evictions=3,
        networks={64500: 600, 64501: 300, 0: 100},
        posture="elevated",
        episodes=1,
        journal_records=1_000,
        journal_lost=4,
        geo_ages={"asn": 86_400.0, "country": 172_800.0},
        workers=2,
        certificate_left=86_400.0,
        others={"stage_faults": 1.0, "handshakes": 9.0, "handshakes_refused": 4.0, "handshakes_failed": 2.0},
    )


def busy_status() -> Status:
    """Return the status of the same node."""
    return Status(
        version="0.1.0",
        node="shield-1",
        pid=4242,
        uptime=3_723.0,
        posture="elevated",
        episode="E-2026-11-24-1",
        listen=("127.0.0.1:8080",),
        origin=Origin("http://127.0.0.1:9000", up=True),
        workers=2,
        workers_wanted=2,
        requests={"admit": 900, "challenge": 0, "throttle": 80, "refuse": 0, "drop": 20},
        last_minute={"admit": 45, "throttle": 12, "drop": 3},
        geo=GeoState(
            (
                GeoDatabase("asn", "shieldproxy-ASN", "bundled", "asn.mmdb", 1_781_600_000.0, 86_400.0, "ab" * 32),
                GeoDatabase("country", "tor-geoipdb", "bundled", "c.mmdb", 1_782_300_000.0, 172_800.0, "cd" * 32),
            )
        ),
        journal=JournalState("var/journal", 1_000, 4),
        policy="0123456789abcdef" * 4,
        config="config.toml",
    )


def busy_top() -> Top:
    """Return who is busiest on the same node."""
    return Top(
        60.0,
        {"admit": 45, "throttle": 12, "drop": 3},
        (
            BusyNetwork(64500, "EXAMPLE-HOSTING", "hosting", "NL", 40, {"admit": 25, "throttle": 12, "drop": 3}),
            BusyNetwork(64501, "EXAMPLE-CARRIER", "carrier", "CH", 20, {"admit": 20}),
        ),
        (BusyClient("192.0.2.7", 64500, 30, {"admit": 15, "throttle": 12, "drop": 3}),),
    )


def networks(*texts: str) -> tuple[Network, ...]:
    """Return networks from their text."""
    return tuple(ipaddress.ip_network(text) for text in texts)


# The fake keeps what the port promises; a type checker says so here.
_KEPT: type[Node] = FakeNode
