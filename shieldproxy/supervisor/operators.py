"""What operators ordered: bans and allowances of keys and networks, kept over restarts; the ladder's bans beside."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from shieldproxy.core.addresses import Network, client_key
from shieldproxy.core.errors import StartError
from shieldproxy.core.ladder import Ban
from shieldproxy.state.banlist import BanList, Entry, List, ban_of, entry_of
from shieldproxy.state.bans import BanTable

if TYPE_CHECKING:
    from pathlib import Path

    from shieldproxy.core.ports import Monotonic, WallClock
    from shieldproxy.state.slots import SlotTable

FILE = "bans.jsonl"


class Operators:
    """The node's list of bans and allowances, in memory, in the shared table, and on disk.

    Raises StartError when the file cannot be read.
    """

    def __init__(self, directory: Path, table: SlotTable, secret: bytes, *, clock: Monotonic, wall: WallClock) -> None:
        self._table = BanTable(table, secret)
        self._list = BanList(directory / FILE)
        self._clock = clock
        self._wall = wall
        try:
            self._list.load(wall())
        except OSError as error:
            raise StartError(f"{directory / FILE}: cannot be read: {error.strerror}") from error
        for entry in self._list.entries(List.BAN, wall()):
            if not is_network(entry.key):
                ban, remembered = ban_of(entry, wall=wall(), now=clock())
                self._table.place(ban, remembered, clock())
        self._allowed_before = self.allowed()

    # -- bans -------------------------------------------------------------------------------------------------------

    def bans(self) -> tuple[Entry, ...]:
        """Return the bans in force; ``until`` is unix seconds."""
        wall = self._wall()
        return tuple(entry for entry in self._list.entries(List.BAN, wall) if entry.until > wall)

    def snapshot(self) -> tuple[Entry, ...]:
        """Return all entries, allowances and ended ones too: quick, to be looked at in another thread."""
        return self._list.snapshot()

    def banned_networks(self) -> tuple[Ban, ...]:
        """Return the banned networks, on the monotonic clock."""
        wall, now = self._wall(), self._clock()
        return tuple(ban_of(entry, wall=wall, now=now)[0] for entry in self.bans() if is_network(entry.key))

    def ban(self, key: str, seconds: float, why: str) -> Entry:
        """Ban a client key or network; a longer ban in force stays. Return the ban that holds."""
        now = self._clock()
        held = self._list.find(List.BAN, key, self._wall())
        if held is not None and held.until >= self._wall() + seconds:
            return held
        ban = Ban(key, now + seconds, why or "by an operator")
        if not is_network(key):
            self._table.place(ban, 0.0, now)
        entry = entry_of(ban, 0.0, by="operator", wall=self._wall(), now=now)
        self._list.put(entry)
        self.save()
        return entry

    def ban_of_client(self, key: str) -> Ban | None:
        """Return the ban in force of a client key, as the shared table has it, with its cause."""
        return self._table.find(key, key.partition("/")[0], self._clock())

    def unban(self, key: str) -> bool:
        """Lift the ban of exactly ``key``, also one that only workers know; False when there was none."""
        known = self._table.find(key, key.partition("/")[0], self._clock()) is not None
        self._table.lift(key)
        removed = self._list.remove(List.BAN, key)
        self.save()
        return removed or known

    def note_ladder(self, ban: Ban, memory: float) -> None:
        """Keep a ban that a worker imposed, for lists and for the next start; a longer one of an operator stays."""
        wall, now = self._wall(), self._clock()
        entry = entry_of(ban, ban.until + memory, by="ladder", wall=wall, now=now)
        held = self._list.find(List.BAN, ban.key, wall)
        if held is not None and held.until > entry.until:
            return
        self._table.learn(ban)
        self._list.put(entry)

    # -- allowances ---------------------------------------------------------------------------------------------------

    def allowances(self) -> tuple[Entry, ...]:
        """Return the allowances in force."""
        return self._list.entries(List.ALLOW, self._wall())

    def allowed(self) -> tuple[Network, ...]:
        """Return the networks let through at the moment."""
        return tuple(ipaddress.ip_network(entry.key) for entry in self.allowances())

    def allow(self, key: str, seconds: float, why: str) -> Entry:
        """Exempt a client key or network for a while."""
        entry = Entry(List.ALLOW, key, self._wall() + seconds, why, by="operator")
        self._list.put(entry)
        self.save()
        return entry

    def disallow(self, key: str) -> bool:
        """End the allowance of exactly ``key``; False when there was none."""
        removed = self._list.remove(List.ALLOW, key)
        self.save()
        return removed

    # -- upkeep -------------------------------------------------------------------------------------------------------

    def sweep(self) -> bool:
        """Let go of what has ended and bring changes to disk; True when the allowed networks changed."""
        self._list.sweep(self._wall())
        self.save()
        before, self._allowed_before = self._allowed_before, self.allowed()
        return before != self._allowed_before

    def save(self) -> bool:
        """Bring changes to disk; False when the disk refused (they stay in memory, and are tried again)."""
        try:
            self._list.save()
        except OSError:
            return False
        return True


def is_network(key: str) -> bool:
    """Tell whether ``key`` is wider than one client: a CIDR that is no client key (the /64 of IPv6 is one)."""
    network = ipaddress.ip_network(key, strict=False)
    return key not in (str(network.network_address), client_key(network.network_address))
