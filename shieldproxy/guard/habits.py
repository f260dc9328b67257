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

# Sets of rules that networks match; a policy with many rules on networks has more, and then they are made anew.
GROUPS = 64


class Habits:
    """The rules that are open for one group of visitors, those about presentation answered from memory."""

    __slots__ = ("_asked", "_by_head", "_by_place", "_numbered", "_order", "_remembered")

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self._by_head = tuple(rule for rule in rules if not rule.when.asks_place)
        self._by_place = tuple(rule for rule in rules if rule.when.asks_place)
        self._order = {rule: place for place, rule in enumerate(rules)}
        asked = {test.name for rule in self._by_head for test in rule.when.header}
        if any(rule.when.user_agent is not None for rule in self._by_head):
            asked.add(b"user-agent")
        self._asked = tuple(sorted(asked))
        self._remembered = lru_cache(WAYS)(self._ask)
        self._numbered: dict[int, tuple[Rule, ...]] = {}

    @property
    def asks_place(self) -> bool:
        """Whether any rule asks for path, host or method, which differ from request to request."""
        return bool(self._by_place)

    def recall(self, request: Request) -> tuple[Rule, ...] | None:
        """Return what ``matched`` says of a request that is no robot's, if its headers were noted; else None."""
        found = self._numbered.get(request.known)
        if found is None or not self._by_place:
            return found
        return self._with_places(found, request, Crawler.NONE)

    def note(self, request: Request) -> None:
        """Remember the headers of ``request``, which claim to be no robot, by the number they are known by."""
        if len(self._numbered) >= WAYS:
            self._numbered.clear()
        self._numbered[request.known] = self._presented(request, Crawler.NONE)

    def matched(self, request: Request, crawler: Crawler) -> tuple[Rule, ...]:
        """Return the rules that match ``request``, in the order of the policy: strictest and heaviest first."""
        found = self._presented(request, crawler)
        return self._with_places(found, request, crawler) if self._by_place else found

    def _with_places(self, found: tuple[Rule, ...], request: Request, crawler: Crawler) -> tuple[Rule, ...]:
        places = [rule for rule in self._by_place if rule.when.fits_request(request, crawler)]
        return tuple(sorted((*found, *places), key=self._order.__getitem__)) if places else found

    def _presented(self, request: Request, crawler: Crawler) -> tuple[Rule, ...]:
        headers = request.headers
        words = tuple([headers.get(name) for name in self._asked])
        if sum([len(word) for word in words if word is not None]) > LONGEST:
            return self._ask(crawler, words)
        return self._remembered(crawler, words)

    def _ask(self, crawler: Crawler, words: tuple[bytes | None, ...]) -> tuple[Rule, ...]:
        said = {name: word for name, word in zip(self._asked, words, strict=True) if word is not None}
        presented = Request("", "", "/", "", "", said)
        return tuple(rule for rule in self._by_head if rule.when.fits_request(presented, crawler))


class HabitsOfAll:
    """The habits of all visitors: as many as there are sets of rules that their networks match."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], Habits] = {}

    def of(self, rules: tuple[Rule, ...]) -> Habits:
        """Return the habits of those whom ``rules`` may concern."""
        names = tuple(rule.name for rule in rules)
        found = self._known.get(names)
        if found is None:
            if len(self._known) >= GROUPS:
                self._known.clear()
            found = self._known[names] = Habits(rules)
        return found

    def clear(self) -> None:
        """Forget all, as a changed policy wants it."""
        self._known.clear()
