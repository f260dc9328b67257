"""Bans in force: which client keys and networks are dropped, on every worker of a node at once."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from cachetools import FIFOCache

from shieldproxy.core.ladder import Ban, climb, longer
from shieldproxy.core.policy import BanPolicy
from shieldproxy.state.names import Names
from shieldproxy.state.networks import NetworkBans
from shieldproxy.state.slots import SlotTable

# Names of clients asked for lately: a keep-alive client is hashed once, not with each request. 7 MB when full.
KEPT_NAMES = 32_768
# Bans whose cause this worker can tell. Only an explanation is lost beyond it, never a ban.
KEPT_BANS = 4_096
# A ladder is climbed this far; the default one has four rungs and ends at a day.
MAX_RUNGS = 16
UNKNOWN_CAUSE = "banned"


class BanTable:
    """The port ``Bans`` over a slot table that all workers share.

    A banned client key is a slot that lives until the ban ends; a rung of the ladder is a slot that lives until the
    client is forgiven. So the table needs no sweep, and a client that was forgotten is simply absent. The cause is
    known to the worker that imposed or learned the ban; others say ``banned`` and rung 0.
    """

    def __init__(self, table: SlotTable, secret: bytes) -> None:
        self._table = table
        self._name_of = lru_cache(KEPT_NAMES)(Names(secret, "ban").name)
        self._rungs = tuple(Names(secret, f"rung {rung}") for rung in range(MAX_RUNGS))
        self._known: FIFOCache[str, Ban] = FIFOCache(KEPT_BANS)
        self._networks = NetworkBans()

    def find(self, client: str, address: str, now: float) -> Ban | None:
        """Return the ban in force for a client key or the networks around its address, the longer one of two."""
        until = self._table.get(self._name_of(client))
        ban = self._told(client, until) if until > now else None
        if self._networks:
            return longer(ban, self._networks.find(address, now))
        return ban

    def impose(self, policy: BanPolicy, client: str, cause: str, now: float) -> Ban:
        """Ban ``client`` on the next rung of the ladder and return the ban that holds: a longer one stays.

        The rung is remembered ``policy.memory`` seconds beyond the end of the ban. Who is banned already climbs no
        further: it is dropped, so what is still counted against it was sent before, or noticed by two workers at
        once, and belongs to the same offence.
        """
        held = self._held(client, now)
        rung = self._rung(client, now)
        if held is not None and rung >= 0:
            return held
        ban = climb(policy, client, previous_rung=min(rung, MAX_RUNGS - 2), now=now, cause=cause)
        return self.place(ban, ban.until + policy.memory, now)

    def place(self, ban: Ban, remembered: float, now: float) -> Ban:
        """Bring a ban made elsewhere (an operator's, or one from before a restart) into force; a longer one stays.

        ``remembered`` is the moment until which its rung counts; at or before ``now`` it does not. Return the ban
        that holds.
        """
        if remembered > now and 0 <= ban.rung < MAX_RUNGS:
            self._table.put(self._rungs[ban.rung].name(ban.key), remembered, now)
        held = self._held(ban.key, now)
        if held is not None and held.until >= ban.until:
            return held
        if ban.until > now:
            self._table.put(self._name_of(ban.key), ban.until, now)
            self._known[ban.key] = ban
        return ban

    def learn(self, ban: Ban) -> None:
        """Learn the cause of a ban that another worker imposed."""
        self._known[ban.key] = ban

    def lift(self, client: str) -> None:
        """End the ban of ``client`` and forget its rungs: whoever is pardoned starts anew."""
        self._table.drop(self._name_of(client))
        for names in self._rungs:
            self._table.drop(names.name(client))
        self._known.pop(client, None)

    def set_networks(self, bans: Iterable[Ban]) -> int:
        """Replace the banned networks (``key`` is CIDR) of this worker; return how many did not fit MAX_NETWORKS.

        Those that end last are kept. Raises ValueError, and changes nothing, when a key is no network.
        """
        networks = NetworkBans(bans)
        self._networks = networks
        return networks.left_out

    @property
    def evictions(self) -> int:
        """Bans and rungs forgotten for want of room since the node started, by all workers."""
        return self._table.evictions

    def _held(self, client: str, now: float) -> Ban | None:
        until = self._table.get(self._name_of(client))
        return self._told(client, until) if until > now else None

    def _told(self, client: str, until: float) -> Ban:
        known = self._known.get(client)
        if known is not None and known.until == until:
            return known
        return Ban(client, until, UNKNOWN_CAUSE)

    def _rung(self, client: str, now: float) -> int:
        for rung in reversed(range(MAX_RUNGS)):
            if self._table.get(self._rungs[rung].name(client)) > now:
                return rung
        return -1
