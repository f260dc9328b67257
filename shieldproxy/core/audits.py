"""Random audits: while all is calm, a page view in some thousands is challenged though nobody suspects it. Pure.

What comes of them is the share of programs among those whom nobody suspects, which nothing else can tell. Each page
view has the same chance, whatever came before it, so the estimate is unbiased; to draw how many are let by until the
next one (the geometric distribution) is the same and costs a view one subtraction.
"""

from __future__ import annotations

from math import inf, log, log1p
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shieldproxy.core.ports import Chance


class Audits:
    """Says which page views are audited: a ``share`` of them (0 to 1; 0: none). ``chance`` gives unguessable bytes."""

    __slots__ = ("_chance", "_left", "_share")

    def __init__(self, chance: Chance, share: float = 0.0) -> None:
        self._chance = chance
        self.adopt(share)

    def adopt(self, share: float) -> None:
        """Audit this ``share`` from now on."""
        self._share = share
        self._left = self._gap()

    def draw(self) -> bool:
        """Tell whether the page view at hand is audited."""
        self._left -= 1.0
        return self._left < 0.0 and self._drawn()

    def _drawn(self) -> bool:
        self._left = self._gap()
        return True

    def _gap(self) -> float:
        """Return how many views are let by before the next that is audited."""
        if self._share <= 0.0:
            return inf
        if self._share >= 1.0:
            return 0.0
        # Never 0, and every bit of a float's mantissa.
        uniform = ((int.from_bytes(self._chance(8)) >> 11) + 0.5) / (1 << 53)
        return float(log(uniform) // log1p(-self._share))
