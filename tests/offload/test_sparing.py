"""Sparing: whom the judge lets through in spite of a ban, the kernel must not stop."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.addresses import Network
from shieldproxy.core.facts import NetworkLabel
from shieldproxy.core.judge import judge
from shieldproxy.core.ladder import Ban
from shieldproxy.core.policy import Exemptions, Policy, exempt_client
from shieldproxy.core.rules import Condition, Rule, compile_globs
from shieldproxy.core.verdict import Action
from shieldproxy.offload.ledger import Ledger
from shieldproxy.offload.sparing import Sparing, sparing_of
from shieldproxy.offload.targets import target_of
from tests import scenes
from tests.fakes.networks import TableNetworks

SWISS = NetworkLabel(64500, "Example", "CH")
LABELS = TableNetworks({"192.0.2.0/24": SWISS, "2001:db8::/48": SWISS})


def network(text: str) -> Network:
    return ipaddress.ip_network(text)


def admits(**asked: object) -> Rule:
    return Rule("friends", Condition(**asked), Action.ADMIT)  # type: ignore[arg-type]  # fields by name


def test_exempt_clients_and_trusted_proxies_are_spared() -> None:
    """Both by their networks, whatever the databases say."""
    policy = Policy(exempt=Exemptions((network("192.0.2.0/28"),)))
    assert sparing_of(policy, [network("198.51.100.1/32")]) == Sparing(
        (network("192.0.2.0/28"), network("198.51.100.1/32"))
    )


@pytest.mark.parametrize(
    ("rule", "key", "spared"),
    [
        (admits(asn=frozenset({64500})), "192.0.2.7", True),
        (admits(asn=frozenset({64500})), "2001:db8:0:7::/64", True),
        (admits(asn=frozenset({64500})), "198.51.100.7", False),
        (admits(country=frozenset({"CH"})), "192.0.2.7", True),
        (admits(country=frozenset({"LI"})), "192.0.2.7", False),
        (admits(asn=frozenset({64501})), "10.0.0.0/8", True),
        (admits(asn=frozenset({64500}), path=compile_globs(("/x",))), "192.0.2.7", False),
        (Rule("foes", Condition(asn=frozenset({64500})), Action.REFUSE), "192.0.2.7", False),
    ],
)
def test_whom_a_rule_admits_for_their_label_is_spared(rule: Rule, key: str, spared: bool) -> None:  # noqa: FBT001
    """A client by what it is; a whole network always, as it may hold somebody who is admitted."""
    assert sparing_of(Policy(rules=(rule,)), ()).spares(key, LABELS.label) is spared


def test_a_rule_that_names_networks_spares_them() -> None:
    """All of them, also where the rule asks for more: too many spared is safe, too few is not."""
    rule = admits(network=(network("192.0.2.0/25"),), country=frozenset({"LI"}))
    assert sparing_of(Policy(rules=(rule,)), ()) == Sparing((network("192.0.2.0/25"),))


rules = st.builds(
    admits,
    asn=st.sampled_from([frozenset(), frozenset({64500}), frozenset({64501})]),
    country=st.sampled_from([frozenset(), frozenset({"CH"})]),
    network=st.sampled_from([(), (network("192.0.2.0/25"),), (network("2001:db8::/47"),)]),
)
addresses = st.sampled_from(
    ["192.0.2.7", "192.0.2.200", "198.51.100.7", "2001:db8::1", "2001:db8:1::1", "2001:db8:2::1"]
)


@given(st.lists(rules, max_size=3), st.sampled_from([(), (network("192.0.2.200/32"),)]), addresses)
def test_nobody_the_judge_would_admit_is_handed_over(
    asked: list[Rule], clients: tuple[Network, ...], address: str
) -> None:
    """A banned client that reaches the kernel is one that the judge would have dropped."""
    policy = Policy(rules=tuple(rule for rule in asked if rule.when != Condition()), exempt=Exemptions(clients))
    visitor = scenes.visitor(address, LABELS.label(address))
    ban = Ban(visitor.client, 2_000.0, "test")
    sparing = sparing_of(policy, ())
    ledger = Ledger()
    ledger.spare(sparing.networks)
    handed = not sparing.spares(ban.key, LABELS.label) and not ledger.spares(target_of(ban.key))
    verdict, _ = judge(policy, scenes.facts(visitor=visitor, ban=ban, exempt=exempt_client(policy, visitor)))
    assert not handed or verdict.action is Action.DROP
