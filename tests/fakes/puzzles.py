"""Spent puzzles in a dict."""

from __future__ import annotations


class DictPuzzles:
    """Serves as SpentPuzzles of core.ports."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    def spend_once(self, nonce: str, expires: float, now: float) -> bool:
        """Mark ``nonce``; False when it was marked before and its puzzle has not expired."""
        if self.spent.get(nonce, 0.0) > now:
            return False
        self.spent[nonce] = expires
        return True
