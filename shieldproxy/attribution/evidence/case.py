"""The case: what a bundle is about, who gets it and why, and what its records add up to, source by source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

# Half of IPv4's botnets ever seen at once; beyond it sources are only counted.
MOST_SOURCES = 2_000_000
# Enough for an operator of carrier-grade NAT to find the customers; the records have all of them.
MOST_PORTS = 20
MOST_SAMPLES = 10
MOST_NAMES = 1_000

Fields = dict[str, Any]


class Terms(NamedTuple):
    """Who asks for the bundle and for whom. ``tlp`` is clear, green, amber, amber+strict or red (TLP 2.0)."""

    recipient: str
    purpose: str
    organisation: str
    contact: str
    tlp: str = "amber"

    @property
    def domain(self) -> str:
        """The domain of the contact."""
        return self.contact.rpartition("@")[2]


class Source:
    """One address: when it was seen, how often, from which ports, and what it was called at that time."""

    __slots__ = (
        "address",
        "as_name",
        "asn",
        "count",
        "country",
        "first",
        "geo",
        "last",
        "network_class",
        "ports",
        "samples",
    )

    def __init__(self, record: Fields) -> None:
        self.address = str(record["src_ip"])
        self.asn = int(record.get("asn", 0))
        self.as_name = str(record.get("as_name", ""))
        self.country = str(record.get("country", ""))
        self.network_class = str(record.get("network_class", "other"))
        self.geo = str(record.get("geo", ""))
        self.first = self.last = str(record["ts"])
        self.count = 0
        self.ports: list[int] = []
        self.samples: list[bytes] = []

    def add(self, record: Fields, data: bytes) -> None:
        """Take one record of this address."""
        self.count += int(record.get("weight", 1))
        ts = str(record["ts"])
        self.first, self.last = min(self.first, ts), max(self.last, ts)
        port = int(record.get("src_port", 0))
        if port and len(self.ports) < MOST_PORTS and port not in self.ports:
            self.ports.append(port)
        if len(self.samples) < MOST_SAMPLES:
            self.samples.append(data)


@dataclass
class Case:
    """A bundle's subject. ``key`` names it (an episode or a span); ``created`` is when, as records write times."""

    key: str
    since: str
    until: str
    terms: Terms
    created: str
    sources: dict[str, Source] = field(default_factory=dict)
    records: int = 0
    requests: int = 0
    uncounted_sources: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    hosts: Counter[str] = field(default_factory=Counter)
    targets: Counter[tuple[str, int]] = field(default_factory=Counter)
    policies: Counter[str] = field(default_factory=Counter)
    geo: Counter[str] = field(default_factory=Counter)

    def add(self, record: Fields, data: bytes) -> None:
        """Take one record; ``data`` is its line. Who was admitted is a visitor and never becomes a source."""
        weight = int(record.get("weight", 1))
        self.records += 1
        self.requests += weight
        for counter, name in (
            (self.actions, str(record.get("action", ""))),
            (self.hosts, str(record.get("host", ""))),
            (self.policies, str(record.get("policy", ""))),
            (self.geo, str(record.get("geo", ""))),
        ):
            if name and (name in counter or len(counter) < MOST_NAMES):
                counter[name] += weight
        target = (str(record.get("dst_ip", "")), int(record.get("dst_port", 0)))
        if target[0] and (target in self.targets or len(self.targets) < MOST_NAMES):
            self.targets[target] += weight
        if record.get("action") == "admit":
            return
        address = str(record["src_ip"])
        source = self.sources.get(address)
        if source is None:
            if len(self.sources) >= MOST_SOURCES:
                self.uncounted_sources += 1
                return
            source = self.sources[address] = Source(record)
        source.add(record, data)

    def heaviest(self) -> list[Source]:
        """Return the sources, those with most requests first."""
        return sorted(self.sources.values(), key=lambda source: (-source.count, source.address))

    def by_network(self) -> dict[int, list[Source]]:
        """Return the sources by ASN, heaviest first in each, 0 for those no database knows."""
        found: dict[int, list[Source]] = {}
        for source in self.heaviest():
            found.setdefault(source.asn, []).append(source)
        return found

    @property
    def blamed(self) -> int:
        """How many requests the sources sent that were not admitted."""
        return sum(source.count for source in self.sources.values())

    @property
    def target(self) -> tuple[str, int]:
        """The address and port that most requests arrived at; ('', 0) when records do not say."""
        return self.targets.most_common(1)[0][0] if self.targets else ("", 0)


def counted(number: int, one: str, many: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {one if number == 1 else many}"


def span(sources: Iterable[Source]) -> tuple[str, str]:
    """Return the first and the last moment at which one of ``sources`` was seen."""
    every = list(sources)
    return min(source.first for source in every), max(source.last for source in every)
