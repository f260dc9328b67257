"""An offload that is a dict, does at once what it is told, and counts what the test says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shieldproxy.core.errors import OffloadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from shieldproxy.core.addresses import Network
    from shieldproxy.core.ladder import Ban


class DictOffload:
    """Serves as Offload of core.ports. ``refusal`` is what each call fails with while it is not ''."""

    def __init__(self) -> None:
        self.there: dict[str, Ban] = {}
        self.spared: tuple[Network, ...] = ()
        self.dropped: dict[str, int] = {}
        self.calls: list[str] = []
        self.refusal = ""
        self.left_out = 0
        self.while_counting: Callable[[], object] = lambda: None
        self._wanted: dict[str, Ban] = {}

    def init(self, now: float) -> None:
        self._call("init")
        self.there = dict(self._wanted)

    def spare(self, networks: Iterable[Network]) -> None:
        self.spared = tuple(networks)

    def add(self, ban: Ban) -> None:
        self._wanted[ban.key] = ban

    def delete(self, key: str) -> None:
        self._wanted.pop(key, None)

    def commit(self, now: float) -> None:
        self._call("commit")
        self.there = dict(self._wanted)

    def collect_metrics(self) -> Mapping[str, int]:
        self.while_counting()
        self._call("collect_metrics")
        dropped, self.dropped = self.dropped, {}
        return dropped

    def shut_down(self) -> None:
        self._call("shut_down")
        self.there = {}

    @property
    def handed(self) -> int:
        return len(self.there)

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.refusal:
            raise OffloadError(self.refusal)
