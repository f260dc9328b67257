"""Bans in a dict, with the ladder of the core."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from shieldproxy.core.ladder import Ban, climb, longer

if TYPE_CHECKING:
    from shieldproxy.core.policy import BanPolicy


class DictBans:
    """Serves as Bans of core.ports. ``put`` is what an operator's ``ban`` command does."""

    def __init__(self) -> None:
        self.bans: dict[str, Ban] = {}

    def find(self, client: str, address: str, now: float) -> Ban | None:
        """Return the ban in force for the client key, or for a network that holds the address."""
        found: Ban | None = None
        for key, ban in self.bans.items():
            if ban.until > now and (key == client or holds(key, address)):
                found = longer(found, ban)
        return found

    def impose(self, policy: BanPolicy, client: str, cause: str, now: float) -> Ban:
        """Ban on the next rung; the rung is forgotten ``policy.memory`` seconds after the ban ended."""
        last = self.bans.get(client)
        remembered = last is not None and last.until + policy.memory > now
        rung = last.rung if last is not None and remembered else -1
        ban = climb(policy, client, previous_rung=rung, now=now, cause=cause)
        self.bans[client] = longer(last, ban) or ban
        return self.bans[client]

    def put(self, ban: Ban) -> None:
        """Take ``ban`` as it is."""
        self.bans[ban.key] = ban


def holds(key: str, address: str) -> bool:
    """Tell whether ``key`` is a network with ``address`` in it."""
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(key)
    except ValueError:
        return False
