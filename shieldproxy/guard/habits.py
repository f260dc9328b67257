"""Habits: what the rules say of how a client presents itself, remembered, because it does so with each request.

A browser sends the same words a thousand times, and so does a botnet. Rules that ask nothing but such words (and the
network) are asked once for each way of saying them; rules on paths, hosts and methods are asked every time.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from shieldproxy.core.facts import Crawler, Request

if TYPE_CHECKING:
    from shieldproxy.core.rules import Rule

# Ways of presenting oneself that are remembered; a busy site meets some hundreds in an hour.
WAYS = 4_096
# Longer words are read each time: a flood of long ones must not fill the memory (4096 times this is 4 MiB).
LONGEST = 1_024


class Habits:
    """The rules that are open for one group of visitors, those about presentation answered from memory."""

    __slots__ = ("_asked", "_by_head", "_by_place", "_order", "_remembered")

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self._by_head = tuple(rule for rule in rules if not rule.when.asks_place)
        self._by_place = tuple(rule for rule in rules if rule.when.asks_place)
        self._order = {rule: place for place, rule in enumerate(rules)}
        asked = {test.name for rule in self._by_head for test in rule.when.header}
        if any(rule.when.user_agent is not None for rule in self._by_head):
            asked.add(b"user-agent")
        self._asked = tuple(sorted(asked))
        self._remembered = lru_cache(WAYS)(self._ask)

    @property
    def asks_place(self) -> bool:
        """Whether any rule asks for path, host or method, which differ from request to request."""
        return bool(self._by_place)

    def matched(self, request: Request, crawler: Crawler) -> tuple[Rule, ...]:
        """Return the rules that match ``request``, in the order of the policy: strictest and heaviest first."""
        headers = request.headers
        words = tuple([headers.get(name) for name in self._asked])
        if sum([len(word) for word in words if word is not None]) > LONGEST:
            found = self._ask(crawler, words)
        else:
            found = self._remembered(crawler, words)
        if not self._by_place:
            return found
        places = [rule for rule in self._by_place if rule.when.fits_request(request, crawler)]
        return tuple(sorted((*found, *places), key=self._order.__getitem__)) if places else found

    def _ask(self, crawler: Crawler, words: tuple[bytes | None, ...]) -> tuple[Rule, ...]:
        said = {name: word for name, word in zip(self._asked, words, strict=True) if word is not None}
        presented = Request("", "", "/", "", "", said)
        return tuple(rule for rule in self._by_head if rule.when.fits_request(presented, crawler))
