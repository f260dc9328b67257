"""Policies: what an operator decided, and what it says of a visitor before any request."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given

from shieldproxy.core.buckets import Limit, Scope
from shieldproxy.core.facts import NetworkLabel, Posture, Visitor
from shieldproxy.core.policy import (
    DEFAULT_SUSPICION,
    ChallengePolicy,
    Charge,
    Exemptions,
    Policy,
    allowed_actions,
    exempt_path,
    standing,
    visitor_key,
)
from shieldproxy.core.rules import Condition, Rule, compile_globs
from shieldproxy.core.verdict import Action
from tests.scenes import limit, request, visitor
from tests.strategies import policies, visitors

LABEL = NetworkLabel(64500, "Example", "NL")
CITIZEN = visitor("2001:db8:1:2::3", LABEL)

KEYS = [
    # scope, key of a labelled visitor, key of one nobody knows
    (Scope.CLIENT, "2001:db8:1:2::/64", "192.0.2.1"),
    (Scope.NETWORK, "2001:db8:1::/48", "192.0.2.0/24"),
    (Scope.ASN, "64500", ""),
    (Scope.COUNTRY, "NL", ""),
    (Scope.CLEARANCE, None, None),
    (Scope.PATH, None, None),
    (Scope.SITE, None, None),
]


@pytest.mark.parametrize(("scope", "known", "unknown"), KEYS)
def test_whose_bucket_it_is(scope: Scope, known: str | None, unknown: str | None) -> None:
    """The network decides some keys, the request the others, and what nobody knows has no bucket."""
    assert visitor_key(scope, CITIZEN) == known
    assert visitor_key(scope, visitor()) == unknown


def test_every_scope_has_a_key() -> None:
    """No scope was forgotten in the table above."""
    assert {scope for scope, _, _ in KEYS} == set(Scope)


EXEMPT = Policy(exempt=Exemptions(tuple(map(ipaddress.ip_network, ("192.0.2.0/28", "2001:db8:1::/48")))))


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("192.0.2.1", "exempt.clients"),
        ("192.0.2.16", ""),
        ("::ffff:192.0.2.1", "exempt.clients"),
        ("2001:db8:1::9", "exempt.clients"),
        ("2001:db8:2::9", ""),
    ],
)
def test_an_exempt_client_is_known_when_it_connects(address: str, named: str) -> None:
    """Addresses in an exempt network are exempt, their neighbours are not."""
    assert standing(EXEMPT, visitor(address)).exempt == named


NETHERLANDS = Condition(country=frozenset({"NL"}))


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        # it admits a network: known before the first request, so no ban closes the connection
        (Rule("partners", NETHERLANDS, Action.ADMIT), "partners"),
        # somebody else's network
        (Rule("partners", Condition(asn=frozenset({1})), Action.ADMIT), ""),
        # it asks for more than the network: only a request can tell
        (Rule("monitor", NETHERLANDS._replace(method=frozenset({"HEAD"})), Action.ADMIT), ""),
        # it does not admit
        (Rule("no", NETHERLANDS, Action.REFUSE), ""),
        (Rule("odd", NETHERLANDS, None, 10), ""),
    ],
)
def test_a_rule_that_admits_a_network_is_an_exemption(rule: Rule, named: str) -> None:
    """What an operator admits by network alone is exempt from the moment it connects."""
    assert standing(Policy(rules=(rule,)), CITIZEN).exempt == named


@pytest.mark.parametrize("address", ["", "unix:", "no address"])
def test_a_visitor_without_address_is_never_exempt(address: str) -> None:
    """The peer of a unix socket is in nobody's list, and asking does not raise."""
    nobody = Visitor(address, address, address, address, NetworkLabel())
    everybody = Policy(exempt=Exemptions(tuple(map(ipaddress.ip_network, ("0.0.0.0/0", "::/0")))))
    assert standing(everybody, nobody).exempt == ""


PATHS = [
    ("/health", "exempt.paths"),
    ("/public/logo.svg", "exempt.paths"),
    ("/public/%6Cogo.svg", "exempt.paths"),
    ("/private", ""),
    # an exemption beats every ban: nobody may talk himself into one
    ("/public/../login", ""),
    ("/public/%2e%2e/login", ""),
    ("/public/..%2flogin", ""),
    ("/public/..;/login", ""),
    ("/public/..\\login", ""),
    ("/public%2f..%2flogin", ""),
    ("//public/../../login", ""),
    # and the other way round it stays what it is
    ("/private/../public/logo.svg", "exempt.paths"),
]


@pytest.mark.parametrize(("path", "named"), PATHS)
def test_an_exempt_path_is_a_place_and_not_a_spelling(path: str, named: str) -> None:
    """A path is exempt when it leads to an exempt place."""
    policy = Policy(exempt=Exemptions(paths=compile_globs(("/health", "/public/*"))))
    assert exempt_path(policy, request(path)) == named


def test_no_exempt_paths_exempt_nothing() -> None:
    """Neither a missing nor an empty list exempts a path."""
    assert exempt_path(Policy(), request("/")) == ""
    assert exempt_path(Policy(exempt=Exemptions(paths=compile_globs(()))), request("/")) == ""


def test_limits_that_cannot_apply_are_left_out() -> None:
    """A visitor is charged where it has a key and where the network half of the limit's condition holds."""
    client, asn, site = limit(), limit("asn", Scope.ASN), limit("site", Scope.SITE)
    hosters = limit("hosters", match=Condition(network_class=frozenset({"hosting"})))
    search = limit("search", match=Condition(path=compile_globs(("/search",))))
    policy = Policy(limits=(client, asn, site, hosters, search))
    assert standing(policy, visitor()).charges == (
        Charge(client, "192.0.2.1"),
        Charge(site, None),
        Charge(search, "192.0.2.1"),
    )
    assert Charge(asn, "64500") in standing(policy, CITIZEN).charges


def test_rules_that_the_network_rules_out_are_left_out() -> None:
    """A rule on an ASN costs a request of other networks nothing."""
    here, there = Rule("here", Condition(asn=frozenset({64500}))), Rule("there", Condition(asn=frozenset({64501})))
    assert standing(Policy(rules=(here, there)), CITIZEN).rules == (here,)


@given(policies, visitors)
def test_every_visitor_has_a_standing(policy: Policy, who: Visitor) -> None:
    """Whoever connects can be told what may apply, in the operator's order, and nothing raises."""
    found = standing(policy, who)
    rank: dict[int, int] = {id(each): place for place, each in enumerate(policy.limits)}
    places = [rank[id(charge.limit)] for charge in found.charges]
    assert places == sorted(places)
    assert all(charge.key != "" for charge in found.charges)
    assert set(map(id, found.rules)) <= set(map(id, policy.rules))


THRESHOLDS = [
    # what an operator wrote, posture, threshold
    ((), Posture.CALM, 100),
    ((), Posture.ELEVATED, 50),
    ((), Posture.UNDER_ATTACK, 40),
    (((Posture.UNDER_ATTACK, 0),), Posture.UNDER_ATTACK, 0),
    (((Posture.UNDER_ATTACK, 0),), Posture.CALM, 100),
    (((Posture.CALM, 70), (Posture.ELEVATED, 60)), Posture.ELEVATED, 60),
]


@pytest.mark.parametrize(("written", "posture", "threshold"), THRESHOLDS)
def test_a_posture_has_a_threshold(written: tuple[tuple[Posture, int], ...], posture: Posture, threshold: int) -> None:
    """What the operator wrote counts, and a posture left out has the default."""
    assert ChallengePolicy(suspicion=written).threshold(posture) == threshold


def test_an_attack_never_makes_the_house_more_lenient() -> None:
    """By default a worse posture challenges at less suspicion."""
    thresholds = [ChallengePolicy().threshold(posture) for posture in Posture]
    assert thresholds == sorted(thresholds, reverse=True)
    assert set(DEFAULT_SUSPICION) == set(Posture)


@pytest.mark.parametrize("scope", Scope)
def test_what_a_limit_may_ask_for(scope: Scope) -> None:
    """A crowd may only be challenged; nobody is admitted or dropped by a limit; a challenge that never fires is none."""
    allowed = allowed_actions(scope)
    assert allowed
    assert Action.ADMIT not in allowed
    assert Action.DROP not in allowed
    assert (allowed == (Action.CHALLENGE,)) is scope.collective
    assert (Action.CHALLENGE in allowed) is (scope is not Scope.CLEARANCE)


def test_the_defaults_are_usable() -> None:
    """A policy that nobody configured enforces, limits nothing, exempts nobody and can ban."""
    policy = Policy()
    assert (policy.limits, policy.rules, policy.exempt) == ((), (), Exemptions())
    assert policy.bans.ladder == tuple(sorted(policy.bans.ladder))
    assert isinstance(policy.challenge.kinds, tuple)
    assert standing(policy, visitor()) == ("", (), ())
    assert Limit("x", Scope.CLIENT, 1.0, 1.0, Action.THROTTLE).match is None


WORKS = [
    # posture, suspicion: how many times the usual work
    (Posture.CALM, 0, 1),
    (Posture.CALM, 99, 1),
    (Posture.CALM, 100, 2),
    (Posture.CALM, 200, 4),
    (Posture.ELEVATED, 49, 1),
    (Posture.ELEVATED, 100, 4),
    (Posture.UNDER_ATTACK, 39, 1),
    (Posture.UNDER_ATTACK, 40, 2),
    (Posture.UNDER_ATTACK, 100, 4),
    (Posture.UNDER_ATTACK, 160, 16),
    (Posture.UNDER_ATTACK, 10**6, 16),
]


@pytest.mark.parametrize(("posture", "suspicion", "times"), WORKS)
def test_the_suspicious_work_harder_and_under_attack_still_harder(posture: Posture, suspicion: int, times: int) -> None:
    """Twice the work for each time the threshold is reached, which falls with the posture; a bound keeps it finite."""
    assert ChallengePolicy(cost=1_000, hardest=16).work(posture, suspicion) == 1_000 * times


def test_a_site_that_challenges_everybody_asks_the_usual_work_of_the_unsuspicious() -> None:
    """A threshold of nothing is a decision to ask all, not to ask more; and an operator may forbid more altogether."""
    everybody = ChallengePolicy(cost=10, suspicion=((Posture.CALM, 0),))
    assert everybody.work(Posture.CALM, 0) == 10
    assert everybody.work(Posture.CALM, 100) == 20
    assert everybody._replace(hardest=1).work(Posture.CALM, 1_000) == 10
