"""Sight: what a policy can tell apart in a request. What looks the same to it is judged the same way.

A condition asks for path, host and method, or for headers; the guard asks beside it what kind of page a path is,
whether it is our own, and whether it is exempt. Two requests that agree in all those answers differ for the judge only
in their buckets.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING

from shieldproxy.app.replay.callers import place_of
from shieldproxy.core.facts import Crawler, Request
from shieldproxy.core.page_kinds import page_kind
from shieldproxy.core.policy import exempt_path
from shieldproxy.core.rules import Condition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shieldproxy.app.replay.blocks import Ask
    from shieldproxy.core.policy import Policy

# Targets and ways of presenting oneself that are remembered; beyond it they are looked at again.
REMEMBERED = 65_536
# Looks that are told apart. A policy with few rules on places has dozens.
MOST_LOOKS = 65_536


class Sight:
    """Numbers the looks of requests under ``policy``. ``own_path`` is where our own pages live."""

    def __init__(self, policy: Policy, own_path: str) -> None:
        self._policy = policy
        self._own = own_path.rstrip("/") + "/"
        asked = [rule.when for rule in policy.rules]
        asked += [limit.match for limit in policy.limits if limit.match is not None]
        self._places = [Condition(path=one.path, host=one.host, method=one.method) for one in asked if one.asks_place]
        self._heads = [
            Condition(user_agent=one.user_agent, header=one.header) for one in asked if one.user_agent or one.header
        ]
        self._numbers: dict[object, int] = {}
        self._next = count().__next__
        self.place = lru_cache(REMEMBERED)(self._place)
        self.head = lru_cache(REMEMBERED)(self._head)

    def _place(self, ask: Ask) -> int:
        """Return the number of what ``ask`` looks like by method, host and path."""
        place = place_of(ask.path)
        request = Request(ask.method, ask.host, ask.path, "", ask.version, {}, "", place)
        return self._number(
            (
                bool(ask.method),
                ask.path.startswith(self._own),
                exempt_path(self._policy, request),
                page_kind(ask.method, place, {}),
                *[condition.fits_request(request, Crawler.NONE) for condition in self._places],
            )
        )

    def _head(self, agent: str, referer: str) -> int:
        """Return the number of what a request with these headers looks like, wherever it goes."""
        headers = headers_of(agent, referer)
        request = Request("GET", "", "/", "", "", headers)
        kind = page_kind("GET", "/", headers)
        return self._number((kind, *[condition.fits_request(request, Crawler.NONE) for condition in self._heads]))

    def _number(self, look: object) -> int:
        """Return the number of a look: always the same while it is remembered, never that of another."""
        found = self._numbers.get(look)
        if found is None:
            if len(self._numbers) >= MOST_LOOKS:
                self._numbers.clear()
            found = self._numbers[look] = self._next()
        return found


def headers_of(agent: str, referer: str = "") -> Mapping[bytes, bytes]:
    """Return the headers that a log tells; what it does not tell was not sent."""
    found = {}
    if agent:
        found[b"user-agent"] = agent.encode("latin-1", "replace")
    if referer:
        found[b"referer"] = referer.encode("latin-1", "replace")
    return found
