"""Sparing: whom the policy lets through in spite of a ban, so that the kernel never gets to stop them."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from typing import NamedTuple

from shieldproxy.core.addresses import Network, client_key, network_key
from shieldproxy.core.facts import NetworkLabel, Visitor
from shieldproxy.core.policy import Policy
from shieldproxy.core.rules import Rule
from shieldproxy.core.verdict import Action
from shieldproxy.offload.targets import target_of


class Sparing(NamedTuple):
    """``networks`` are spared whatever they are; ``rules`` admit whomever the databases call so (an ASN, a country)."""

    networks: tuple[Network, ...] = ()
    rules: tuple[Rule, ...] = ()

    def spares(self, key: str, label: Callable[[str], NetworkLabel]) -> bool:
        """Tell whether a rule may admit somebody banned under ``key``.

        A whole network holds addresses of any label, so as soon as there is such a rule its ban stays with the workers.
        """
        if not self.rules:
            return False
        if target_of(key).set.of_networks:
            return True
        text = key.partition("/")[0]
        address = ipaddress.ip_address(text)
        visitor = Visitor(text, client_key(address), network_key(address), "", label(text))
        return any(rule.when.fits_visitor(visitor) for rule in self.rules)


def sparing_of(policy: Policy, trusted: Iterable[Network]) -> Sparing:
    """Return whom ``policy`` exempts before it asks for bans, and the ``trusted`` proxies, who speak for others.

    Of a rule that admits some addresses of a network the whole network is spared: too many is safe, too few is not.
    """
    admits = [rule for rule in policy.rules if rule.action is Action.ADMIT and not rule.when.asks_request]
    named = [network for rule in admits for network in rule.when.network]
    labelled = tuple(rule for rule in admits if not rule.when.network)
    return Sparing((*policy.exempt.clients, *trusted, *named), labelled)
