"""Visits: what is known of a client before it asks for anything, worked out once and kept while it stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from shieldproxy.core.addresses import Address, binding_prefix, client_key, network_key
from shieldproxy.core.buckets import Limit, Scope
from shieldproxy.core.facts import Crawler, NetworkLabel, Visitor
from shieldproxy.core.policy import Policy, Standing, standing
from shieldproxy.core.ports import Buckets
from shieldproxy.core.rules import Rule
from shieldproxy.core.verdict import Action
from shieldproxy.guard.habits import Habits

# Limits of the ladder's own counting; the "@" keeps them apart from names an operator may choose.
OFFENCES = "@offences"
FLOODS = "@floods"
UNANSWERED = "@unanswered"
ANSWERS = "@answers"
HANDSHAKES = "@handshakes"
# A page that was let in, and what it brings with it: pictures, styles, scripts and what those ask for.
PAGES = "@pages"
PARTS = "@parts"
# A network that is part of an excess: the name under which it is marked.
EXCESS = "@excess"


class Peer(NamedTuple):
    """The two ends of a connection as evidence needs them (RFC 6302: address, port), and its TLS facts."""

    src_ip: str
    src_port: int = 0
    dst_ip: str = ""
    dst_port: int = 0
    tls: str = ""
    ja4: str = ""


class Charge(NamedTuple):
    """A limit ready to be charged: its bucket's slot (0 where the request decides the key), and its two times.

    ``shared`` tells whether strangers share the bucket.
    """

    limit: Limit
    slot: int
    interval: float
    span: float
    shared: bool


class Visit(NamedTuple):
    """A client as the policy of one generation sees it: who it is, its standing, its buckets.

    ``newcomer`` charges are own and collective buckets, ``pressed`` the same for a network in excess, ``cleared`` those
    of a holder of a clearance, ``formed`` of one who earned it by the form, ``robots`` those of a verified crawler,
    ``own`` what our own paths charge.
    ``excess`` is the name under which its network is marked. ``generation`` tells whether the policy or the
    databases changed since.
    """

    visitor: Visitor
    standing: Standing
    habits: Habits
    newcomer: tuple[Charge, ...]
    pressed: tuple[Charge, ...]
    cleared: tuple[Charge, ...]
    formed: tuple[Charge, ...]
    robots: tuple[Charge, ...]
    own: tuple[Charge, ...]
    offences: int
    floods: int
    unanswered: int
    answers: int
    pages: int
    parts: int
    excess: int
    generation: int


def visitor_of(address: Address, label: NetworkLabel) -> Visitor:
    """Return the visitor at ``address`` with what the databases say."""
    return Visitor(str(address), client_key(address), network_key(address), binding_prefix(address), label)


def unknown(_network: int) -> float:
    """Say that nothing is known of a network."""
    return 0.0


def visit(  # noqa: PLR0913, PLR0917 - what a visit is made of
    policy: Policy,
    visitor: Visitor,
    buckets: Buckets,
    generation: int,
    habits_of: Callable[[tuple[Rule, ...]], Habits] = Habits,
    usual_of: Callable[[int], float] = unknown,
) -> Visit:
    """Return the visit of ``visitor`` under ``policy``: every slot named, so that a request only charges.

    ``usual_of`` tells how often a network, by the name of its mark, usually asks a second; 0: not known.
    """
    excess = buckets.slot(EXCESS, str(visitor.label.asn))
    now_standing = standing(policy, visitor)
    pressed: list[Charge] = []
    cleared: list[Charge] = []
    robots: list[Charge] = []
    # Own limits before shared ones: see Gatherer._charge.
    for limit, key in sorted(now_standing.charges, key=lambda charge: charge.limit.scope.collective):
        if limit.auto:
            limit = limit.sized(usual_of(excess))  # noqa: PLW2901 - the same limit, as it is for this network
        charge = charge_of(limit, 0 if key is None else buckets.slot(limit.name, key))
        if limit.match is not None and Crawler.VERIFIED in limit.match.crawler:
            robots.append(charge)
        elif limit.scope == "clearance":
            cleared.append(charge)
        else:
            pressed.append(charge)
            if binds_everybody(limit):
                cleared.append(charge)
    newcomer = tuple(charge for charge in pressed if not charge.limit.in_excess)
    return Visit(
        visitor,
        now_standing,
        habits_of(now_standing.rules),
        newcomer,
        tuple(pressed),
        tuple(cleared),
        tuple(lessened(charge, policy.challenge.form_share) for charge in cleared),
        tuple(robots),
        tuple(charge for charge in newcomer if binds_answers(charge.limit)),
        buckets.slot(OFFENCES, visitor.client),
        buckets.slot(FLOODS, visitor.client),
        buckets.slot(UNANSWERED, visitor.client),
        buckets.slot(ANSWERS, visitor.client),
        buckets.slot(PAGES, visitor.client),
        buckets.slot(PARTS, visitor.client),
        excess,
        generation,
    )


def charge_of(limit: Limit, slot: int) -> Charge:
    """Return ``limit`` ready to be charged to ``slot``."""
    return Charge(limit, slot, limit.interval, limit.span, limit.scope.collective)


def lessened(charge: Charge, share: float) -> Charge:
    """Return the charge of a clearance that was earned by the form: ``share`` of the rate and of the burst, or one."""
    limit = charge.limit
    if limit.scope is not Scope.CLEARANCE:
        return charge
    return charge_of(limit._replace(rate=limit.rate * share, burst=max(1.0, limit.burst * share)), charge.slot)


def binds_everybody(limit: Limit) -> bool:
    """Tell whether a clearance leaves a limit in force: one on a place, such as a login, is about the place."""
    return limit.scope is Scope.CLIENT and limit.match is not None and limit.match.asks_place


def binds_answers(limit: Limit) -> bool:
    """Tell whether our own paths charge a limit: not one that would challenge whoever answers a challenge."""
    return limit.scope is Scope.CLIENT and limit.action is not Action.CHALLENGE
