"""Bans in nftables: one table of our own, filled and emptied by difference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from shieldproxy.core.addresses import Network
from shieldproxy.core.errors import OffloadError
from shieldproxy.core.ladder import Ban
from shieldproxy.offload.claim import Claim
from shieldproxy.offload.counting import Meter
from shieldproxy.offload.ledger import Ledger
from shieldproxy.offload.listing import read_listing
from shieldproxy.offload.nft import PacketFilter
from shieldproxy.offload.scripts import REMOVAL, Door, batches


class Nftables:
    """The port ``Offload`` over the command nft, for connections to ``doors``."""

    def __init__(self, nft: PacketFilter, doors: Sequence[Door], claim: Claim) -> None:
        self._nft = nft
        self._doors = tuple(doors)
        self._claim = claim
        self._ledger = Ledger()
        self._meter = Meter()
        self._made = False

    def init(self, now: float) -> None:
        """Make the table with all bans noted, in place of an old one. Raises OffloadError."""
        self._ledger.forget()
        self.commit(now)

    def spare(self, networks: Iterable[Network]) -> None:
        """Name those that are never handed over."""
        self._ledger.spare(networks)

    def add(self, ban: Ban) -> None:
        """Note a ban. Raises ValueError when its key is no network."""
        self._ledger.add(ban)

    def delete(self, key: str) -> None:
        """Note that a ban is over."""
        self._ledger.delete(key)

    def commit(self, now: float) -> None:
        """Bring what was noted into the kernel. Raises OffloadError; the next commit then makes the table anew."""
        changes = self._ledger.changes(now)
        if not changes:
            return
        try:
            self._claim.take()
            for script in batches(changes, self._doors, now):
                self._nft.run(script)
                self._made = True
        except OffloadError:
            self._ledger.forget()
            raise
        if changes.whole:
            self._meter.restart()
        self._ledger.settle(changes, now)

    def collect_metrics(self) -> Mapping[str, int]:
        """Return attempts dropped since the last call. Raises OffloadError; the next commit then makes the table anew.

        That somebody took the table away (``nft flush ruleset`` does) shows here.
        """
        try:
            listing = read_listing(self._nft.list_table())
        except OffloadError:
            self._ledger.forget()
            raise
        return self._meter.take(listing, self._ledger.there)

    def shut_down(self) -> None:
        """Remove the table. Raises OffloadError; what it holds then ends by itself, each ban at its time."""
        if self._made:
            self._nft.run(REMOVAL)
            self._made = False
        self._ledger.forget()
        self._claim.release()

    @property
    def handed(self) -> int:
        """How many elements the kernel has."""
        return len(self._ledger.there)

    @property
    def left_out(self) -> int:
        """How many found no room there."""
        return self._ledger.left_out
