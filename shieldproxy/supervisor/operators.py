"""What operators ordered: bans and allowances of keys and networks, kept over restarts; the ladder's bans beside.

What is decided here is told to other nodes, what they decided is taken like our own (core/rulings.py).
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from shieldproxy.core.addresses import Network, client_key
from shieldproxy.core.errors import StartError
from shieldproxy.core.ladder import Ban
from shieldproxy.core.rulings import Ruling, Standing, lifts, next_made, takes
from shieldproxy.state.banlist import BanList, Entry, List, ban_of, entry_of
from shieldproxy.state.bans import BanTable
from shieldproxy.state.endings import REMEMBERED, Endings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from shieldproxy.core.ports import Monotonic, WallClock
    from shieldproxy.state.slots import SlotTable

FILE = "bans.jsonl"


class Operators:
    """The node's list of bans and allowances, in memory, in the shared table, and on disk.

    ``tell`` is called with each ruling of this node, for the others. Raises StartError when the file cannot be read.
    """

    def __init__(self, directory: Path, table: SlotTable, secret: bytes, *, clock: Monotonic, wall: WallClock) -> None:
        self.tell: Callable[[Ruling], None] = keep_to_ourselves
        self._endings = Endings()
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
        entry = self._rule(entry_of(ban, 0.0, by="operator", wall=self._wall(), now=now))
        self.save()
        return entry

    def ban_of_client(self, key: str) -> Ban | None:
        """Return the ban in force of a client key, as the shared table has it, with its cause."""
        return self._table.find(key, key.partition("/")[0], self._clock())

    def unban(self, key: str) -> bool:
        """Lift the ban of exactly ``key``, also one that only workers know; False when there was none."""
        known = self._table.find(key, key.partition("/")[0], self._clock()) is not None
        self._table.lift(key)
        ended = self._end(List.BAN, key, known=known)
        self.save()
        return ended

    def note_ladder(self, ban: Ban, memory: float) -> None:
        """Keep a ban that a worker imposed, for lists and for the next start; a longer one of an operator stays."""
        wall, now = self._wall(), self._clock()
        entry = entry_of(ban, ban.until + memory, by="ladder", wall=wall, now=now)
        held = self._list.find(List.BAN, ban.key, wall)
        if held is not None and held.until > entry.until:
            return
        self._table.learn(ban)
        self._rule(entry)

    # -- allowances ---------------------------------------------------------------------------------------------------

    def allowances(self) -> tuple[Entry, ...]:
        """Return the allowances in force."""
        return self._list.entries(List.ALLOW, self._wall())

    def allowed(self) -> tuple[Network, ...]:
        """Return the networks let through at the moment."""
        return tuple(ipaddress.ip_network(entry.key) for entry in self.allowances())

    def allow(self, key: str, seconds: float, why: str) -> Entry:
        """Exempt a client key or network for a while."""
        entry = self._rule(Entry(List.ALLOW, key, self._wall() + seconds, why, by="operator"))
        self.save()
        return entry

    def disallow(self, key: str) -> bool:
        """End the allowance of exactly ``key``; False when there was none."""
        ended = self._end(List.ALLOW, key)
        self.save()
        return ended

    # -- rulings ----------------------------------------------------------------------------------------------------

    def _rule(self, entry: Entry) -> Entry:
        """Put ``entry`` on its list, as ruled now, and tell the other nodes; return it as it stands there."""
        ruled = entry._replace(made=next_made(self._wall(), self._standing(entry.list, entry.key)))
        self._list.put(ruled)
        self.tell(ruling_of(ruled))
        return ruled

    def _end(self, which: List, key: str, *, known: bool = False) -> bool:
        """Take ``key`` off a list and tell the other nodes; False when it was neither there nor ``known`` elsewhere."""
        wall, held = self._wall(), self._list.known(which, key)
        if held is None and not known:
            return False
        remembered = max(wall + REMEMBERED, held.ends if held is not None else 0.0)
        end = Ruling(which, key, next_made(wall, self._standing(which, key)), remembered, ends=True)
        self._endings.note(end)
        self._list.remove(which, key)
        self.tell(end)
        return True

    def _standing(self, which: List, key: str) -> Standing:
        held, ended = self._list.known(which, key), self._endings.made(which, key)
        return Standing(ended=ended) if held is None else Standing(held.made, held.until, ended)

    def receive(self, ruling: Ruling) -> bool:
        """Take a ruling that was not made here, as if it had been; False when it changes nothing. Not told again."""
        which, standing = List(ruling.list), self._standing(List(ruling.list), ruling.key)
        if not takes(standing, ruling):
            return False
        if ruling.ends:
            self._endings.note(ruling)
            if which is List.BAN and standing.made <= ruling.made:
                self._table.lift(ruling.key)  # also one that only workers know
            return lifts(standing, ruling) and self._list.remove(which, ruling.key)
        entry, wall, now = entry_from(ruling), self._wall(), self._clock()
        if entry.ends <= wall:
            return False
        if which is List.BAN and not is_network(ruling.key):
            self._table.place(*ban_of(entry, wall=wall, now=now), now)
        self._list.put(entry)
        return True

    def own(self) -> Iterator[Ruling]:
        """Yield every ruling of this node that still means something."""
        wall = self._wall()
        for entry in self._list.snapshot():
            if not entry.node and entry.ends > wall:
                yield ruling_of(entry)
        yield from (end for end in self._endings if not end.node)

    # -- upkeep -------------------------------------------------------------------------------------------------------

    def sweep(self) -> bool:
        """Let go of what has ended and bring changes to disk; True when the allowed networks changed."""
        self._list.sweep(self._wall())
        self._endings.sweep(self._wall())
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
    if "/" not in key:  # most keys, and a network is read a hundred times slower
        return False
    network = ipaddress.ip_network(key, strict=False)
    return key not in (str(network.network_address), client_key(network.network_address))


def keep_to_ourselves(_ruling: Ruling) -> None:
    """Stand for the other nodes where there are none."""


def ruling_of(entry: Entry) -> Ruling:
    """Return what an entry of a list says, for other nodes."""
    return Ruling(
        entry.list,
        entry.key,
        entry.made,
        entry.until,
        entry.node,
        why=entry.why,
        by=entry.by,
        rung=entry.rung,
        remembered=entry.remembered,
    )


def entry_from(ruling: Ruling) -> Entry:
    """Return the entry of a list that ``ruling`` asks for."""
    return Entry(
        List(ruling.list),
        ruling.key,
        ruling.until,
        ruling.why,
        ruling.rung,
        ruling.remembered,
        ruling.by,
        ruling.made,
        ruling.node,
    )
