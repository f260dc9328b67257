"""The ledger: which bans are wanted, what the kernel has of them as far as we know, and the difference."""

from __future__ import annotations

import heapq
import ipaddress
from bisect import insort
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from typing import NamedTuple

from shieldproxy.core.addresses import Network
from shieldproxy.core.ladder import Ban
from shieldproxy.offload.spans import Span, merged, overlapping, span_of, without
from shieldproxy.offload.targets import Element, Target, element_of, target_of

# As many as the node keeps on its list of bans. One takes about 200 bytes of the kernel and 500 of ours.
MAX_CLIENTS = 100_000
# What is left of banned networks when spared ones are taken out. A tree of intervals takes time by their number.
MAX_PIECES = 4_096
# Seconds after its end in which the kernel may still hold an element; it sweeps when it likes.
LINGER = 5.0
# The kernel is told whole seconds; a shorter rest of a ban is not worth a word.
LEAST = 1.0
# One ban seen on two clocks is not at the same microsecond twice.
SAME = 0.5
# Never handed over: this machine speaking to itself.
LOOPBACK: tuple[Network, ...] = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))

_until = attrgetter("until")


class Changes(NamedTuple):
    """What the kernel is to be told.

    ``whole``: the table is made anew and holds ``added`` and ``networks``, nothing else. ``replaced`` are there with
    another end. ``networks`` is the whole content of the sets of networks, None when it stays; ``left_out`` is how
    many pieces of networks found no room in it.
    """

    whole: bool = False
    added: tuple[Element, ...] = ()
    replaced: tuple[Element, ...] = ()
    removed: tuple[Target, ...] = ()
    networks: tuple[Element, ...] | None = None
    left_out: int = 0

    def __bool__(self) -> bool:
        """Tell whether there is anything to do."""
        return self.whole or bool(self.added or self.replaced or self.removed) or self.networks is not None


class Ledger:
    """Keeps both sides apart: ``add``, ``delete`` and ``spare`` say what is wanted, ``settle`` what was done.

    Nothing is known of the kernel before the first ``settle`` and after ``forget``: the next changes are whole.
    """

    def __init__(self) -> None:
        self._spared: dict[int, list[Span]] = spans_by_family(LOOPBACK)
        self._clients: dict[str, Element] = {}
        self._networks: dict[str, Element] = {}
        self._dirty: set[str] = set()
        self._networks_dirty = False
        self._there: dict[Target, Element] = {}
        self._known = False
        self._swept = 0.0
        self._pieces_left_out = 0

    # -- what is wanted ---------------------------------------------------------------------------------------------

    def spare(self, networks: Iterable[Network]) -> None:
        """Never hand over an address of ``networks`` or of loopback, from the next changes on."""
        spared = spans_by_family((*LOOPBACK, *networks))
        if spared == self._spared:
            return
        self._spared = spared
        self._dirty.update(self._clients)
        self._networks_dirty = True

    def add(self, ban: Ban) -> None:
        """Want ``ban``, in place of an earlier one of its key. Raises ValueError when the key is no network."""
        element = element_of(ban)
        if element.target.set.of_networks:
            self._networks[ban.key] = element
            self._networks_dirty = True
        else:
            self._clients[ban.key] = element
            self._dirty.add(ban.key)

    def delete(self, key: str) -> None:
        """Want the ban of ``key`` no more."""
        if self._networks.pop(key, None) is not None:
            self._networks_dirty = True
        element = self._clients.pop(key, None)
        if element is not None:
            # Kept under its key until it is settled: a target alone does not tell that nobody wants it any more.
            self._dirty.add(key)

    def spares(self, target: Target) -> bool:
        """Tell whether an address of ``target`` must not be handed over."""
        return bool(overlapping(target.span, self._spared[target.set.version]))

    # -- what is to be done -----------------------------------------------------------------------------------------

    def changes(self, now: float) -> Changes:
        """Return what the kernel is to be told at ``now``; asking changes nothing."""
        if not self._known:
            clients = heapq.nlargest(MAX_CLIENTS, (e for e in self._clients.values() if self._wanted(e, now)), _until)
            return self._with_networks(Changes(whole=True, added=tuple(clients)), now)
        changes = self._client_changes(now)
        return self._with_networks(changes, now) if self._networks_dirty else changes

    def _client_changes(self, now: float) -> Changes:
        added: list[Element] = []
        replaced: list[Element] = []
        removed: list[Target] = []
        room = MAX_CLIENTS - len(self._there)
        for key in self._dirty:
            element = self._clients.get(key)
            if element is None or not self._wanted(element, now):
                target = target_of(key)
                held = self._there.get(target)
                if held is not None and held.until > now:
                    removed.append(target)
                continue
            held = self._there.get(element.target)
            if held is None and len(added) < room:
                added.append(element)
            elif held is not None and abs(held.until - element.until) > SAME:
                replaced.append(element)
        return Changes(False, tuple(added), tuple(replaced), tuple(removed))

    def _with_networks(self, changes: Changes, now: float) -> Changes:
        pieces = list(self._pieces(now))
        return changes._replace(networks=tuple(pieces[:MAX_PIECES]), left_out=max(0, len(pieces) - MAX_PIECES))

    def _wanted(self, element: Element, now: float) -> bool:
        return element.until - now >= LEAST and not self.spares(element.target)

    def _pieces(self, now: float) -> Iterator[Element]:
        """Yield intervals that do not overlap: of two bans on one address the longer holds, what is spared is left out.

        Those that end last come first.
        """
        taken = {version: list(spans) for version, spans in self._spared.items()}
        for element in sorted(self._networks.values(), key=_until, reverse=True):
            if element.until - now < LEAST:
                continue
            occupied = taken[element.target.set.version]
            for span in without(element.target.span, occupied):
                insort(occupied, span)
                yield element._replace(target=Target(element.target.set, span))

    # -- what was done ----------------------------------------------------------------------------------------------

    def settle(self, changes: Changes, now: float) -> None:
        """Take down that the kernel did ``changes``."""
        if changes.whole:
            self._there = {}
        self._known = True
        for target in changes.removed:
            self._there.pop(target, None)
        if changes.networks is not None:
            self._there = {target: held for target, held in self._there.items() if not target.set.of_networks}
            self._there.update((element.target, element) for element in changes.networks)
            self._networks_dirty = False
            self._pieces_left_out = changes.left_out
        self._there.update((element.target, element) for element in (*changes.added, *changes.replaced))
        self._dirty = {key for key in self._dirty if self._still_due(key, now)}
        if now - self._swept > LINGER:
            self._swept = now
            self._there = {target: held for target, held in self._there.items() if held.until + LINGER > now}

    def _still_due(self, key: str, now: float) -> bool:
        element = self._clients.get(key)
        return element is not None and self._wanted(element, now) and element.target not in self._there

    def forget(self) -> None:
        """Take down that nothing is known of the kernel any more."""
        self._known = False
        self._there = {}
        self._dirty.update(self._clients)
        self._networks_dirty = True

    @property
    def there(self) -> Mapping[Target, Element]:
        """What the kernel has, as far as we know; some that ended a moment ago too."""
        return self._there

    @property
    def left_out(self) -> int:
        """How many bans and pieces of banned networks found no room in the kernel; they hold in memory."""
        return self._pieces_left_out + len(self._dirty)


def spans_by_family(networks: Iterable[Network]) -> dict[int, list[Span]]:
    """Return the addresses of ``networks`` as spans in order, by the family."""
    found = list(networks)
    return {version: merged(span_of(network) for network in found if network.version == version) for version in (4, 6)}
