"""Twins of the kernel: one says what it would do, one does nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from shieldproxy.core.addresses import Network
from shieldproxy.core.ladder import Ban
from shieldproxy.offload.ledger import Ledger
from shieldproxy.offload.scripts import REMOVAL, Door, batches


class DryRun:
    """The port ``Offload``, which hands each script to ``say`` where another would hand it to nft."""

    def __init__(self, say: Callable[[str], None], doors: Sequence[Door]) -> None:
        self._say = say
        self._doors = tuple(doors)
        self._ledger = Ledger()

    def init(self, now: float) -> None:
        """Say how the table would be made."""
        self._ledger.forget()
        self.commit(now)

    def spare(self, networks: Iterable[Network]) -> None:
        """Name those that would never be handed over."""
        self._ledger.spare(networks)

    def add(self, ban: Ban) -> None:
        """Note a ban. Raises ValueError when its key is no network."""
        self._ledger.add(ban)

    def delete(self, key: str) -> None:
        """Note that a ban is over."""
        self._ledger.delete(key)

    def commit(self, now: float) -> None:
        """Say what would be done."""
        changes = self._ledger.changes(now)
        for script in batches(changes, self._doors, now):
            self._say(script)
        self._ledger.settle(changes, now)

    def collect_metrics(self) -> Mapping[str, int]:
        """Return nothing: nothing was dropped."""
        return {}

    def shut_down(self) -> None:
        """Say how the table would be removed."""
        self._say(REMOVAL)

    @property
    def handed(self) -> int:
        """How many elements the kernel would have."""
        return len(self._ledger.there)

    @property
    def left_out(self) -> int:
        """How many would find no room there."""
        return self._ledger.left_out


class NoOffload:
    """The port ``Offload`` where the kernel has no part."""

    def init(self, now: float) -> None:
        """Do nothing."""

    def spare(self, networks: Iterable[Network]) -> None:
        """Do nothing."""

    def add(self, ban: Ban) -> None:
        """Do nothing."""

    def delete(self, key: str) -> None:
        """Do nothing."""

    def commit(self, now: float) -> None:
        """Do nothing."""

    def collect_metrics(self) -> Mapping[str, int]:
        """Return nothing."""
        return {}

    def shut_down(self) -> None:
        """Do nothing."""

    @property
    def handed(self) -> int:
        """Nothing."""
        return 0

    @property
    def left_out(self) -> int:
        """Nothing."""
        return 0
