"""Visits: which limits bind whom, worked out before the first request."""

from __future__ import annotations

import ipaddress

import pytest

from shieldproxy.core.buckets import Limit, Scope
from shieldproxy.core.facts import Crawler, NetworkLabel
from shieldproxy.core.policy import Exemptions, Policy
from shieldproxy.core.rules import Condition, Rule, compile_globs
from shieldproxy.core.verdict import Action
from shieldproxy.guard.visits import Charge, Visit, visit, visitor_of
from tests.fakes.buckets import DictBuckets
from tests.scenes import NO_LABEL, limit, visitor

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


def of(policy: Policy, address: str = "192.0.2.1", label: NetworkLabel = NO_LABEL) -> Visit:
    """Return the visit of a client."""
    return visit(policy, visitor(address, label), DictBuckets(), 1)


def test_times_are_those_of_the_limit() -> None:
    """A request divides nothing: interval and span are worked out with the visit."""
    charge = of(Policy(limits=(limit(rate=4.0, burst=20.0),))).newcomer[0]
    assert (charge.interval, charge.span) == (0.25, 5.0)


def test_the_ladder_has_buckets_of_its_own() -> None:
    """One for each kind of misbehaviour, apart from each other, from limits and from those of other clients."""
    one, other = of(Policy(limits=LIMITS)), of(Policy(limits=LIMITS), "192.0.2.2")
    counters = [
        (found.offences, found.floods, found.unanswered, found.answers, found.pages, found.parts)
        for found in (one, other)
    ]
    slots = [slot for found in counters for slot in found]
    assert len({*slots, *(charge.slot for charge in one.newcomer)}) == len(slots) + len(one.newcomer)


@pytest.mark.parametrize("name", ["offences", "floods", "unanswered", "answers", "pages", "parts"])
def test_no_limit_of_an_operator_is_a_counter_of_ours(name: str) -> None:
    """A limit may be called as we call our counters, and is another bucket."""
    found = of(Policy(limits=(limit(name),)))
    assert found.newcomer[0].slot != getattr(found, name)


def test_addresses_of_one_client_share_its_buckets() -> None:
    """A /64 of IPv6 is one client, whichever of its addresses it uses."""
    one, other = (of(Policy(limits=LIMITS), address) for address in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"))
    assert (one.newcomer, one.offences) == (other.newcomer, other.offences)
    assert one.visitor.address != other.visitor.address


def test_standing_comes_with_the_visit() -> None:
    """Exemption and the rules still open are known before the first request."""
    exempt = Exemptions((ipaddress.ip_network("192.0.2.0/24"),))
    rules = (Rule("here", Condition(country=frozenset({"NL"}))), Rule("there", Condition(country=frozenset({"CH"}))))
    found = of(Policy(exempt=exempt, rules=rules), label=NetworkLabel(64500, "Example", "NL"))
    assert found.standing.exempt == "exempt.clients"
    assert [rule.name for rule in found.standing.rules] == ["here"]


@pytest.mark.parametrize(
    ("address", "client", "network"),
    [
        ("192.0.2.1", "192.0.2.1", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64", "2001:db8:1::/48"),
    ],
)
def test_a_visitor_is_named_by_its_keys(address: str, client: str, network: str) -> None:
    """Who asks, whom we count, and whose neighbour it is."""
    found = visitor_of(ipaddress.ip_address(address), NO_LABEL)
    assert (found.address, found.client, found.network, found.label) == (address, client, network, NO_LABEL)


def test_an_automatic_limit_is_that_of_the_network() -> None:
    """Sized once, when the client is met."""
    asn = Limit("asn", Scope.ASN, 5.0, 50.0, Action.CHALLENGE, auto=3.0)
    label = NetworkLabel(64500, "Example", "NL")
    met = visit(Policy(limits=(asn,)), visitor(label=label), DictBuckets(), 0, usual_of=lambda _network: 10.0)
    assert [charge.limit.rate for charge in met.newcomer] == [30.0]
    unknown = visit(Policy(limits=(asn,)), visitor(label=label), DictBuckets(), 0)
    assert [charge.limit.rate for charge in unknown.newcomer] == [5.0]
