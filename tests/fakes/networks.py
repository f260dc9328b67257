"""Labels of addresses from a table written in the test."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from shieldproxy.core.facts import NetworkLabel

if TYPE_CHECKING:
    from collections.abc import Mapping


class TableNetworks:
    """Serves as Networks of core.ports: the longest network of ``table`` that holds the address says what it is."""

    def __init__(self, table: Mapping[str, NetworkLabel], version: str = "table") -> None:
        networks = [(ipaddress.ip_network(network), label) for network, label in table.items()]
        self.table = sorted(networks, key=lambda row: -row[0].prefixlen)
        self.version = version

    def label(self, address: str) -> NetworkLabel:
        """Return the label of ``address``; the empty one when nothing is known or it is no address."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return NetworkLabel()
        return next((label for network, label in self.table if parsed in network), NetworkLabel())
