"""Visits: which limits bind whom, worked out before the first request."""

from __future__ import annotations

from shieldproxy.core.buckets import Scope
from shieldproxy.core.facts import Crawler, NetworkLabel
from shieldproxy.core.policy import Policy
from shieldproxy.core.rules import Condition, compile_globs
from shieldproxy.core.verdict import Action
from shieldproxy.guard.visits import Charge, visit
from tests.fakes.buckets import DictBuckets
from tests.scenes import limit, visitor

LOGIN = Condition(path=compile_globs(("/login*",)))
LIMITS = (
    limit("client"),
    limit("login", match=LOGIN),
    limit("asks", action=Action.CHALLENGE),
    limit("clearance", Scope.CLEARANCE),
    limit("asn", Scope.ASN),
    limit("site", Scope.SITE),
    limit("robots", match=Condition(crawler=frozenset({Crawler.VERIFIED}))),
)


def names(charges: tuple[Charge, ...]) -> list[str]:
    return [charge.limit.name for charge in charges]


def test_each_kind_of_visitor_is_bound_by_its_own_limits() -> None:
    """Newcomers by all but two; the cleared by theirs and by limits on places; robots by theirs; answers by the client's."""
    known = visit(Policy(limits=LIMITS), visitor(label=NetworkLabel(asn=64500)), DictBuckets(), 1)
    assert names(known.newcomer) == ["client", "login", "asks", "asn", "site"]
    assert names(known.cleared) == ["login", "clearance"]
    assert names(known.robots) == ["robots"]
    assert names(known.own) == ["client", "login"]


def test_a_visitor_without_a_network_shares_no_networks_bucket() -> None:
    """Addresses that no database knows are not one big crowd."""
    known = visit(Policy(limits=LIMITS), visitor(), DictBuckets(), 1)
    assert "asn" not in names(known.newcomer)


def test_slots_are_named_once_where_the_visitor_decides_the_key() -> None:
    """A request of a known client names no bucket; where the request decides, the slot is open."""
    known = visit(Policy(limits=LIMITS), visitor(label=NetworkLabel(asn=64500)), DictBuckets(), 1)
    slots = {charge.limit.name: charge.slot for charge in (*known.newcomer, *known.cleared)}
    assert all(slots[name] for name in ("client", "login", "asn"))
    assert slots["clearance"] == slots["site"] == 0
