"""Requests by ASN as a bounded set of counters: the K heaviest by name, the rest as ``other``, none running back.

A series that entered and left with its whole past would make ``other`` fall, and a falling counter reads as a
restart: every rate over it would jump. So growth is credited, not totals: what an ASN adds while it is among the
heaviest is its own, everything else is ``other``.
"""

from __future__ import annotations

from collections.abc import Mapping

TOP = 20
OTHER = "other"


class NetworkSeries:
    """The counters by ASN that one node shows; memory is ``top`` ASNs and the last snapshot."""

    def __init__(self, top: int = TOP) -> None:
        self._top = top
        self._shown: dict[int, int] = {}
        self._last: dict[int, int] = {}
        self._last_total = 0
        self._other = 0

    def observe(self, networks: Mapping[int, int], total: int) -> dict[str, int]:
        """Take the counts of now and return the counters by label.

        ``networks`` are the heaviest ASNs the node keeps (0: unknown, which is never a series of its own),
        ``total`` all requests. Each label but ``other`` is an ASN from the database, at most ``top`` of them.
        """
        named = {asn: count for asn, count in networks.items() if asn > 0}
        heaviest = sorted(named, key=lambda asn: (-named[asn], asn))[: self._top]
        shown: dict[int, int] = {}
        credited = 0
        for asn in heaviest:
            growth = max(0, named[asn] - self._last.get(asn, 0))
            shown[asn] = self._shown.get(asn, 0) + growth
            credited += growth
        self._other += max(0, total - self._last_total - credited)
        self._shown, self._last, self._last_total = shown, named, max(total, self._last_total)
        return {str(asn): count for asn, count in shown.items()} | {OTHER: self._other}
