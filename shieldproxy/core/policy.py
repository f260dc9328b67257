"""Policy: everything an operator decided, compiled and frozen, with a digest that stands in every record."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shieldproxy.core.addresses import parse_address, within
from shieldproxy.core.buckets import Limit, Scope
from shieldproxy.core.facts import Posture
from shieldproxy.core.paths import plain_path
from shieldproxy.core.verdict import Action, Mode

if TYPE_CHECKING:
    from shieldproxy.core.addresses import Network
    from shieldproxy.core.facts import Request, Visitor
    from shieldproxy.core.rules import Patterns, Rule

DEFAULT_SUSPICION = {Posture.CALM: 100, Posture.ELEVATED: 50, Posture.UNDER_ATTACK: 40}


class ChallengePolicy(NamedTuple):
    """How newcomers are tested. Times are seconds.

    ``suspicion`` is the sum of weights at which a page is challenged, by posture (0: every newcomer). ``cost`` is the
    work of an ordinary puzzle, as ``puzzles.difficulty`` takes it; ``hardest`` how many times as much the most
    suspicious do. ``form_wait`` is the time-lock of the script-free form, and ``form_share`` which part of the limits
    on clearances its holders have. ``late_forms`` after its end a clearance still lets a POST through.
    ``answer_rate`` a second and ``answer_burst`` bound the answers of one client, so that answering is no lever.
    ``epoch`` revokes every clearance given before when raised.
    """

    kinds: tuple[str, ...] = ("proof-of-work", "form")
    suspicion: tuple[tuple[Posture, int], ...] = tuple(DEFAULT_SUSPICION.items())
    cost: int = 1000
    hardest: int = 16
    puzzle_validity: float = 300.0
    clearance_validity: float = 86_400.0
    form_clearance_validity: float = 3_600.0
    form_wait: float = 3.0
    form_share: float = 0.5
    late_forms: float = 7_200.0
    answer_rate: float = 2.0
    answer_burst: float = 60.0
    epoch: int = 1

    def threshold(self, posture: Posture) -> int:
        """Return the suspicion from which a newcomer is challenged in ``posture``; the default where none is given."""
        for name, value in self.suspicion:
            if name is posture:
                return value
        return DEFAULT_SUSPICION[posture]

    def work(self, posture: Posture, suspicion: int) -> int:
        """Return how much a newcomer of ``suspicion`` has to do, as ``puzzles.difficulty`` takes it.

        Twice as much for each time that the threshold of the posture is in the suspicion; who is below it, and was
        challenged for the crowd's sake, does what is usual.
        """
        step = self.threshold(posture) or DEFAULT_SUSPICION[posture]
        return self.cost * min(self.hardest, 1 << min(suspicion // step, 16))


class BanPolicy(NamedTuple):
    """When misbehaviour becomes a ban. ``ladder`` is seconds, one rung for each time it happens again.

    An offence is a request against a rule, a malformed one, or a forged answer to a challenge: ``offences`` of them
    within ``window`` seconds are a ban. Requests throttled by the client's own limit are no offences, because people
    behind one address share that limit; only ``floods`` of them within the window are. ``unanswered`` counts
    challenge pages asked for within ``patience`` seconds by a client that answers none. A rung is forgotten
    ``memory`` seconds after its ban ended.
    ``spared`` are networks the ladder never bans: servers that speak for all visitors at once.
    """

    ladder: tuple[float, ...] = (60.0, 600.0, 3_600.0, 86_400.0)
    offences: int = 30
    window: float = 60.0
    floods: int = 3_000
    unanswered: int = 60
    patience: float = 600.0
    memory: float = 86_400.0
    spared: tuple[Network, ...] = ()


class Exemptions(NamedTuple):
    """Who and what is never limited, challenged or banned."""

    clients: tuple[Network, ...] = ()
    paths: Patterns | None = None


class Policy(NamedTuple):
    """The compiled whole. ``digest`` is the hash of the configuration it was made from."""

    limits: tuple[Limit, ...] = ()
    rules: tuple[Rule, ...] = ()
    exempt: Exemptions = Exemptions()
    challenge: ChallengePolicy = ChallengePolicy()
    bans: BanPolicy = BanPolicy()
    mode: Mode = Mode.ENFORCE
    hosts: frozenset[str] = frozenset()
    digest: str = ""


class Charge(NamedTuple):
    """A limit that may apply to a visitor; ``key`` is None where the request decides it (clearance, path, site)."""

    limit: Limit
    key: str | None


class Standing(NamedTuple):
    """What a policy says of a visitor before any request: exempt or not, limits to charge, rules still open."""

    exempt: str
    charges: tuple[Charge, ...]
    rules: tuple[Rule, ...]


def visitor_key(scope: Scope, visitor: Visitor) -> str | None:
    """Return the bucket key of ``visitor`` for ``scope``; None where the request decides; '' where there is none."""
    match scope:
        case Scope.CLIENT:
            return visitor.client
        case Scope.NETWORK:
            return visitor.network
        case Scope.ASN:
            return str(visitor.label.asn) if visitor.label.asn else ""
        case Scope.COUNTRY:
            return visitor.label.country
        case Scope.CLEARANCE | Scope.PATH | Scope.SITE:
            return None


def standing(policy: Policy, visitor: Visitor) -> Standing:
    """Return what ``policy`` says of ``visitor``; pure, so a caller may keep it as long as both stay the same."""
    charges = tuple(
        Charge(limit, key)
        for limit in policy.limits
        if (key := visitor_key(limit.scope, visitor)) != ""
        and (limit.match is None or limit.match.fits_visitor(visitor))
    )
    rules = tuple(rule for rule in policy.rules if rule.when.fits_visitor(visitor))
    return Standing(exempt_client(policy, visitor), charges, rules)


def exempt_client(policy: Policy, visitor: Visitor) -> str:
    """Return the name of the exemption of ``visitor``, or ''.

    A rule that admits and asks only the network is one too: it must be known before a connection is closed for a ban.
    """
    if policy.exempt.clients:
        address = parse_address(visitor.address)
        if address is not None and within(address, policy.exempt.clients):
            return "exempt.clients"
    for rule in policy.rules:
        if rule.action is not Action.ADMIT or rule.when.asks_request or not rule.acts_on(visitor.client):
            continue
        if rule.when.fits_visitor(visitor):
            return rule.name
    return ""


def exempt_path(policy: Policy, request: Request) -> str:
    """Return the name of the exemption of the path, or ''; ``/public/../login`` is not below ``/public``."""
    paths = policy.exempt.paths
    if paths is None or paths.match(request.place or plain_path(request.path)) is None:
        return ""
    return "exempt.paths"


def allowed_actions(scope: Scope) -> tuple[Action, ...]:
    """Return what a limit of ``scope`` may ask for: a collective one may only challenge.

    A holder of a clearance is not challenged again, so a limit on clearances that challenges would never do anything.
    """
    if scope.collective:
        return (Action.CHALLENGE,)
    if scope is Scope.CLEARANCE:
        return (Action.THROTTLE, Action.REFUSE)
    return (Action.CHALLENGE, Action.THROTTLE, Action.REFUSE)
