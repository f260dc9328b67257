"""What is known of an address, in microseconds: the label every decision and every record carries."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping

from cachetools import FIFOCache, LRUCache

from shieldproxy.core.addresses import Network
from shieldproxy.core.facts import NetworkLabel
from shieldproxy.intel.bogons import bogon_networks
from shieldproxy.intel.databases import READ_ERRORS, Database, Databases
from shieldproxy.intel.prefixes import PrefixTable
from shieldproxy.intel.shapes import asn_of, country_of

UNKNOWN = NetworkLabel()

# Remembered answers. One takes about 0.5 KiB, so this is at most 16 MiB a worker; a flood from more networks than
# that costs a look-up a request again, which is a few microseconds and no more.
CAPACITY = 32_768
# AS numbers whose names are at hand: those that ask most, many times over. About 1 MiB.
MET = 4_096

# Answers are remembered for the least that is announced to the Internet. Where an answer holds for less than that,
# the addresses of the neighbourhood are remembered one by one.
_NEIGHBOURHOOD = {4: 24, 6: 48}
_MAPPED = bytes(10) + b"\xff\xff"  # the first twelve bytes of ::ffff:0:0/96


class Networks:
    """Labels addresses from the databases in use, the table of network classes and the ranges of robots.

    For one thread, the one that serves; the databases may be swapped from another.
    """

    def __init__(
        self,
        databases: Databases,
        classes: Mapping[int, str],
        robots: Iterable[tuple[Network, str]],
        *,
        capacity: int = CAPACITY,
    ) -> None:
        """`classes` gives the kind of a network by AS number, `robots` the networks of robots; see intel.tables."""
        self._databases = databases
        self._classes = classes
        self._bogons = PrefixTable(bogon_networks())
        # Keys are "192.0.2" or "192.0.2.1", six bytes or sixteen; None says: ask for the address itself.
        self._known: LRUCache[str | bytes, NetworkLabel | None] = LRUCache(capacity)
        self._loaded = databases.current
        self.adopt_robots(robots)
        # The last label of each AS number, for whoever counts by number and wants to say a name.
        self.met: FIFOCache[int, NetworkLabel] = FIFOCache(MET)
        self.faults = 0  # look-ups that a broken database spoiled; such an address is unknown

    def adopt_robots(self, robots: Iterable[tuple[Network, str]]) -> None:
        """Name the networks of ``robots`` from now on; called by the thread that serves."""
        self._robots = PrefixTable(robots)
        self._divided = {
            version: self._bogons.divided(version, length) | self._robots.divided(version, length)
            for version, length in _NEIGHBOURHOOD.items()
        }
        self._known.clear()

    def __len__(self) -> int:
        """Remembered answers, never more than the capacity."""
        return len(self._known)

    @property
    def version(self) -> str:
        """The databases in use, as records name them."""
        return self._databases.version

    def label(self, address: str) -> NetworkLabel:
        """Return what is known of `address`, written as `ipaddress` writes it; never raises.

        Text that is no address, bogons and addresses no database knows have asn 0, country "" and class "other".
        """
        if self._databases.current is not self._loaded:
            self._loaded = self._databases.current
            self._known.clear()
        try:
            if ":" not in address:
                wide: str | bytes = address.rpartition(".")[0]
                exact: str | bytes = address
            else:
                exact = socket.inet_pton(socket.AF_INET6, address)
                wide = exact[:6]
            found = self._known[wide]
            return found or self._known[exact] or UNKNOWN
        except KeyError:
            return self._look_up(address)
        except (OSError, ValueError):
            return UNKNOWN

    def _look_up(self, address: str) -> NetworkLabel:
        version, family = (4, socket.AF_INET) if ":" not in address else (6, socket.AF_INET6)
        try:
            packed = socket.inet_pton(family, address)
        except (OSError, ValueError):
            return UNKNOWN
        if packed.startswith(_MAPPED):
            return self.label(socket.inet_ntop(socket.AF_INET, packed[12:]))
        number = int.from_bytes(packed, "big")
        label, length = self._ask(address, number, version)
        wide: str | bytes = packed[:6] if version == 6 else address.rpartition(".")[0]
        near = _NEIGHBOURHOOD[version]
        if length <= near and number >> (len(packed) * 8 - near) not in self._divided[version]:
            self._known[wide] = label
        else:
            self._known[wide] = None
            self._known[packed if version == 6 else address] = label
        return label

    def _ask(self, address: str, number: int, version: int) -> tuple[NetworkLabel, int]:
        """The label of an address, and the length of the prefix for which the databases say the same."""
        if self._bogons.find(number, version):
            return UNKNOWN, 0
        record, asn_length = self._read(self._loaded.asn, address, version)
        asn, as_name = asn_of(record)
        record, country_length = self._read(self._loaded.country, address, version)
        label = NetworkLabel(
            asn, as_name, country_of(record), self._classes.get(asn, "other"), self._robots.find(number, version)
        )
        if asn:
            self.met[asn] = label
        return label, max(asn_length, country_length)

    def _read(self, database: Database | None, address: str, version: int) -> tuple[object, int]:
        if database is None or version > database.ip_version:
            return None, 0
        try:
            return database.reader.get_with_prefix_len(address)
        except READ_ERRORS:
            self.faults += 1
            return None, 128  # says nothing about the neighbours
