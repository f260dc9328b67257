"""Banned networks: a bounded list an operator gave, asked about one address at a time."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from shieldproxy.core.addresses import parse_address
from shieldproxy.core.ladder import Ban, longer

# Whoever bans more networks than this by hand wants a rule on an ASN or a firewall.
MAX_NETWORKS = 1_000
# Answers kept by address, so that a client in keep-alive is looked up once.
KEPT_ANSWERS = 16_384


class NetworkBans:
    """The networks in one frozen list; make another to change it.

    Networks are kept by family and prefix length, so an address costs one look for each length in use. When there
    are more than MAX_NETWORKS those that end last stay; ``left_out`` says how many did not. Raises ValueError when
    the key of a ban is no network.
    """

    def __init__(self, bans: Iterable[Ban] = ()) -> None:
        ordered = sorted(bans, key=lambda ban: ban.until, reverse=True)
        self.left_out = max(0, len(ordered) - MAX_NETWORKS)
        self._by_length: dict[tuple[int, int], dict[int, Ban]] = {}
        for ban in reversed(ordered[:MAX_NETWORKS]):  # of two for one network the later, longer one is written last
            network = ipaddress.ip_network(ban.key)
            shift = network.max_prefixlen - network.prefixlen
            table = self._by_length.setdefault((network.version, shift), {})
            table[int(network.network_address) >> shift] = ban
        self._longest = lru_cache(KEPT_ANSWERS)(self._look)

    def __bool__(self) -> bool:
        """Tell whether there is anything to ask."""
        return bool(self._by_length)

    def find(self, address: str, now: float) -> Ban | None:
        """Return the longest ban in force of a network around ``address``."""
        ban = self._longest(address)
        return ban if ban is not None and ban.until > now else None

    def _look(self, text: str) -> Ban | None:
        address = parse_address(text)
        if address is None:
            return None
        number, version = int(address), address.version
        found: Ban | None = None
        for (family, shift), table in self._by_length.items():
            if family == version:
                found = longer(found, table.get(number >> shift))
        return found
