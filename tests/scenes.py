"""Visitors, requests and facts as a door makes them, for tests that say only what matters to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shieldproxy.core.addresses import binding_prefix, client_key, network_key, parse_address
from shieldproxy.core.buckets import Limit, Reading, Scope
from shieldproxy.core.clearance import Clearance, Kind
from shieldproxy.core.facts import Facts, NetworkLabel, Request, Visitor
from shieldproxy.core.rules import Condition, Rule
from shieldproxy.core.verdict import Action

if TYPE_CHECKING:
    from shieldproxy.core.facts import Crawler, PageKind

NO_LABEL = NetworkLabel()
CLEARANCE = Clearance("00" * 8, Kind.WORK, 2_000_000_000, 1)

# What a browser sends with a click over https.
BROWSER = {
    b"host": b"example.org",
    b"user-agent": b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    b"accept": b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    b"accept-language": b"en-GB,en;q=0.5",
    b"accept-encoding": b"gzip, deflate, br",
    b"sec-fetch-dest": b"document",
    b"sec-fetch-mode": b"navigate",
    b"sec-fetch-site": b"none",
    b"sec-fetch-user": b"?1",
}


def visitor(address: str = "192.0.2.1", label: NetworkLabel = NO_LABEL) -> Visitor:
    """Return the visitor at ``address``."""
    parsed = parse_address(address)
    assert parsed is not None
    return Visitor(str(parsed), client_key(parsed), network_key(parsed), binding_prefix(parsed), label)


def request(
    path: str = "/",
    headers: dict[bytes, bytes] | None = None,
    *,
    method: str = "GET",
    host: str = "example.org",
    query: str = "",
) -> Request:
    """Return a request; without ``headers`` it is a browser's."""
    return Request(method, host, path, query, "1.1", BROWSER if headers is None else headers)


def facts(**given: object) -> Facts:
    """Return facts of a browser that asks for ``/`` and that nothing speaks against, changed by ``given``."""
    return Facts(visitor(), request(), 1_000.0)._replace(**given)  # type: ignore[arg-type]  # fields by name


def limit(
    name: str = "client",
    scope: Scope = Scope.CLIENT,
    *,
    rate: float = 10.0,
    burst: float = 50.0,
    action: Action | None = None,
    match: Condition | None = None,
) -> Limit:
    """Return a limit; ``action`` defaults to what the scope mostly asks for."""
    if action is None:
        action = Action.CHALLENGE if scope.collective else Action.THROTTLE
    return Limit(name, scope, rate, burst, action, match)


def overdrawn(of: Limit, wait: float = 1.0) -> Reading:
    """Return the reading of a bucket from which ``wait`` seconds are missing."""
    return Reading(of, -wait)


def rule(name: str, *, action: Action | None = None, weight: int = 0, why: str = "") -> Rule:
    """Return a rule that has matched already, so its condition asks nothing."""
    return Rule(name, Condition(), action, weight, why)


def challenged_page(page: PageKind, crawler: Crawler) -> Facts:
    """Return facts against which every reason for a challenge speaks at once."""
    crowd = tuple(overdrawn(limit(scope.value, scope)) for scope in Scope if scope.collective)
    return facts(page=page, crawler=crawler, readings=crowd, matched=(rule("odd", weight=500),), saturated=True)
