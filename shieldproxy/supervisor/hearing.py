"""Hearing: what workers report, kept for operators and passed on to the other workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from shieldproxy.app.orders import Learn
from shieldproxy.core.facts import NetworkLabel
from shieldproxy.core.ladder import Ban

if TYPE_CHECKING:
    from shieldproxy.supervisor.node import Supervisor

# Names of busy networks that workers told; more than all of them count one by one.
NAMES = 4_096


class Hearing:
    """What the workers of ``node`` said. ``problems`` are those of their journals, by worker; '' is none."""

    def __init__(self, node: Supervisor) -> None:
        self._node = node
        self.problems: dict[int, str] = {}
        self.networks: LRUCache[int, NetworkLabel] = LRUCache(NAMES)

    def hear(self, index: int, report: dict[str, Any]) -> None:
        """Take the ``report`` of worker ``index``. Raises LookupError, TypeError, ValueError for nonsense."""
        if "ready" in report:
            self.problems.pop(index, None)  # that of the process before
        elif "ban" in report:
            self._ban_imposed(index, report)
        elif "journal_problem" in report:
            self.problems[index] = str(report["journal_problem"])
        elif "networks" in report:
            for asn, name, country, network_class in report["networks"]:
                self.networks[int(asn)] = NetworkLabel(int(asn), str(name), str(country), str(network_class))

    def _ban_imposed(self, index: int, report: dict[str, Any]) -> None:
        node, told = self._node, report["ban"]
        ban = Ban(str(told["key"]), float(told["until"]), str(told["cause"]), int(told["rung"]))
        node.operators.note_ladder(ban, node.policy.bans.memory)
        for worker in node.workers:
            if worker.index != index:
                worker.order(Learn(ban))
        node.log.info("banned", client=ban.key, cause=ban.cause, rung=ban.rung, asn=report.get("asn"))
