"""Rules: an operator's named conditions, split into what the network tells and what the request tells.

The network half is asked once per visitor, the request half per request; so a rule on an ASN costs a request
of other networks nothing.
"""

from __future__ import annotations

import fnmatch
import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple

from shieldproxy.core.addresses import parse_address, within
from shieldproxy.core.facts import Crawler
from shieldproxy.core.paths import plain_path

if TYPE_CHECKING:
    from shieldproxy.core.addresses import Network
    from shieldproxy.core.facts import Request, Visitor
    from shieldproxy.core.verdict import Action

Patterns = re.Pattern[str]
# An empty alternation would match everything: with no path exempt, every path would be.
NOTHING = re.compile(r"(?!)")


def compile_globs(globs: tuple[str, ...], *, ignore_case: bool = False) -> Patterns:
    """Return one pattern for all ``globs`` (``*``, ``?``, ``[...]``; ``*`` crosses slashes), anchored at both ends.

    No globs match nothing. Matching takes time in proportion to pattern times text, however many stars there are
    (``fnmatch.translate`` writes atomic groups), so a long path cannot stall the judge.
    """
    if not globs:
        return NOTHING
    flags = re.IGNORECASE if ignore_case else 0
    return re.compile("|".join(fnmatch.translate(glob) for glob in globs), flags)


class HeaderTest(NamedTuple):
    """A condition on one header: present or absent, or its value by pattern. ``name`` is lower-case."""

    name: bytes
    present: bool = True
    pattern: Patterns | None = None

    def holds(self, request: Request) -> bool:
        """Tell whether the request's header is as the test wants it; a value that is blank counts as absent."""
        value = request.headers.get(self.name)
        found = value is not None and bool(value.strip())
        if not self.present or not found:
            return found == self.present
        return self.pattern is None or self.pattern.match(request.header(self.name)) is not None


class Condition(NamedTuple):
    """All parts that are given must hold; within a part one of the values suffices. Empty parts ask nothing."""

    asn: frozenset[int] = frozenset()
    country: frozenset[str] = frozenset()
    network: tuple[Network, ...] = ()
    network_class: frozenset[str] = frozenset()
    path: Patterns | None = None
    host: Patterns | None = None
    method: frozenset[str] = frozenset()
    user_agent: Patterns | None = None
    header: tuple[HeaderTest, ...] = ()
    crawler: frozenset[Crawler] = frozenset()

    @property
    def asks_request(self) -> bool:
        """Whether anything but the network is asked."""
        return bool(self.path or self.host or self.method or self.user_agent or self.header or self.crawler)

    @property
    def asks_place(self) -> bool:
        """Whether the path, the host or the method is asked: what changes from request to request of one client."""
        return self.path is not None or self.host is not None or bool(self.method)

    def fits_visitor(self, visitor: Visitor) -> bool:
        """Tell whether the network half holds."""
        label = visitor.label
        if self.asn and label.asn not in self.asn:
            return False
        if self.country and label.country not in self.country:
            return False
        if self.network_class and label.network_class not in self.network_class:
            return False
        if not self.network:
            return True
        address = parse_address(visitor.address)
        return address is not None and within(address, self.network)

    def fits_request(self, request: Request, crawler: Crawler) -> bool:
        """Tell whether the request half holds."""
        if self.method and request.method not in self.method:
            return False
        # Never the spelling of the wire: /%6Cogin and //login would walk around a rule on /login.
        if self.path is not None and self.path.match(request.place or plain_path(request.path)) is None:
            return False
        if self.host is not None and self.host.match(request.host) is None:
            return False
        if self.crawler and crawler not in self.crawler:
            return False
        if self.user_agent is not None and self.user_agent.match(request.header(b"user-agent")) is None:
            return False
        return all(test.holds(request) for test in self.header)


class Rule(NamedTuple):
    """A named condition with an action, or with a weight that adds to suspicion (``action`` None).

    One that is ``observed`` decides nothing, one with an ``enforce_share`` below 1 decides for that share of clients.
    """

    name: str
    when: Condition
    action: Action | None = None
    weight: int = 0
    why: str = ""
    observed: bool = False
    enforce_share: float = 1.0

    def acts_on(self, client: str) -> bool:
        """Tell whether the rule decides for a client: always the same answer for the same client and rule."""
        if self.observed:
            return False
        return self.enforce_share >= 1.0 or lot(self.name, client) < self.enforce_share


def lot(name: str, client: str) -> float:
    """Return the lot of a client for a rule, from 0 to 1, spread evenly; the same on every node and after a restart."""
    drawn = hashlib.sha256(f"{name}\0{client}".encode()).digest()[:8]
    return int.from_bytes(drawn, "big") / 2**64
