"""What the control room may ask of a running node, and the values it gets: the port the supervisor implements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from shieldproxy.core.addresses import Network


class Histogram(NamedTuple):
    """Durations counted in buckets.

    ``bounds`` are upper bounds in seconds, ascending; ``counts`` has one entry a bound and one more for what lies
    beyond the last, each entry its own bucket (not cumulative); ``seconds`` is the sum of all durations.
    """

    bounds: tuple[float, ...] = ()
    counts: tuple[int, ...] = (0,)
    seconds: float = 0.0


class Tallies(NamedTuple):
    """All counters of a node since it started, added up over its workers; what /metrics is made of.

    ``requests`` is by (action, stage), ``challenges`` by (kind, result), ``buckets`` live buckets by scope,
    ``networks`` requests by ASN, the heaviest ones only. ``posture`` is one of core's words.
    ``geo_ages`` is seconds since each database was made, ``offloaded`` bans that the kernel does. ``certificate_left``
    is seconds until the first certificate in use ends, None without TLS; ``shared_up`` whether the shared server is in
    use, None without one. ``others`` are further counters by plain name.
    """

    requests: Mapping[tuple[str, str], int] = {}
    request_duration: Histogram = Histogram()
    origin_duration: Histogram = Histogram()
    challenges: Mapping[tuple[str, str], int] = {}
    bans: int = 0
    buckets: Mapping[str, int] = {}
    bucket_evictions: int = 0
    networks: Mapping[int, int] = {}
    posture: str = "calm"
    episodes: int = 0
    journal_records: int = 0
    journal_lost: int = 0
    geo_ages: Mapping[str, float] = {}
    workers: int = 0
    offloaded: int = 0
    certificate_left: float | None = None
    shared_up: bool | None = None
    others: Mapping[str, float] = {}


class BanEntry(NamedTuple):
    """A ban in force, for people: ``remaining`` is seconds, ``by`` is ``ladder`` or ``operator``.

    ``node`` is the node that ruled, '' for this one.
    """

    key: str
    remaining: float
    cause: str
    rung: int = 0
    by: str = "ladder"
    node: str = ""


class Allowance(NamedTuple):
    """A client or network an operator let through for a while: exempt, and no ban holds it. Seconds."""

    key: str
    remaining: float
    why: str = ""
    node: str = ""


class GeoDatabase(NamedTuple):
    """One database in use, in intel's words.

    ``kind`` is what it answers (``asn``, ``country``), ``type`` what its maker calls it, ``origin`` where it comes
    from (``configured``, ``found``, ``bundled``), ``built`` unix seconds, ``age`` seconds.
    """

    kind: str
    type: str = ""
    origin: str = ""
    path: str = ""
    built: float = 0.0
    age: float = 0.0
    sha256: str = ""


class GeoState(NamedTuple):
    """The databases in use and, in sentences, what is wrong with them."""

    databases: tuple[GeoDatabase, ...] = ()
    problems: tuple[str, ...] = ()


class Origin(NamedTuple):
    """The protected site as the node sees it. ``up`` is None while nothing was asked of it yet."""

    url: str = ""
    up: bool | None = None
    detail: str = ""


class JournalState(NamedTuple):
    """Where decisions are written, how many were, and how many could not be."""

    directory: str = ""
    records: int = 0
    lost: int = 0
    problem: str = ""


class SharedState(NamedTuple):
    """The server over which nodes share their bans: '' where there is one node. ``up`` is None before it was asked.

    ``sent`` and ``taken`` count rulings since the start, ``waiting`` those that others were not told yet.
    """

    server: str = ""
    up: bool | None = None
    sent: int = 0
    taken: int = 0
    waiting: int = 0


class Status(NamedTuple):
    """The node in one view. Times are seconds; ``requests`` and ``last_minute`` are counts by action.

    ``reload_refused`` are the problems of the last reload that was refused, () when the last one was taken, and
    ``waiting`` the keys whose new values that one left to the next start.
    ``degraded`` says in words what the node does without at the moment, ``posture_reason`` why the posture is so,
    ``excess`` who asks for far more than usual and is challenged for it.
    """

    version: str = ""
    node: str = ""
    pid: int = 0
    uptime: float = 0.0
    mode: str = "enforce"
    posture: str = "calm"
    posture_reason: str = ""
    excess: tuple[str, ...] = ()
    episode: str = ""
    listen: tuple[str, ...] = ()
    origin: Origin = Origin()
    workers: int = 0
    workers_wanted: int = 0
    worker_restarts: int = 0
    requests: Mapping[str, int] = {}
    last_minute: Mapping[str, int] = {}
    bans: int = 0
    allowances: int = 0
    geo: GeoState = GeoState()
    journal: JournalState = JournalState()
    shared: SharedState = SharedState()
    policy: str = ""
    config: str = ""
    reload_refused: tuple[str, ...] = ()
    degraded: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


class CohortEntry(NamedTuple):
    """A cohort of the excess: its trait, its part of the excess and of the pages in calm, how old, seconds to go.

    ``applied``: newcomers who have it are challenged; else it is proposed, and ``why_not`` says why.
    """

    trait: str
    part: float
    usual: float
    age: float
    remaining: float
    applied: bool
    why_not: str = ""


class BusyNetwork(NamedTuple):
    """A network among the busiest of the last minute; ``actions`` counts its requests by action."""

    asn: int
    name: str = ""
    network_class: str = ""
    country: str = ""
    requests: int = 0
    actions: Mapping[str, int] = {}


class BusyClient(NamedTuple):
    """A client key among the busiest of the last minute."""

    client: str
    asn: int = 0
    requests: int = 0
    actions: Mapping[str, int] = {}


class Top(NamedTuple):
    """Who is busiest in the last ``seconds``; ``clients`` is empty when the node does not count them."""

    seconds: float = 60.0
    actions: Mapping[str, int] = {}
    networks: tuple[BusyNetwork, ...] = ()
    clients: tuple[BusyClient, ...] = ()


class Readiness(NamedTuple):
    """Whether the node takes traffic; ``why`` says in one line what is missing, also where it can do without."""

    ready: bool
    why: str = ""


class Node(Protocol):
    """A running node. All but ``reload`` answer from memory at once and never wait."""

    def alive(self) -> bool:
        """Tell whether the node does its work at all: its own loop turns and a worker lives."""

    def ready(self) -> Readiness:
        """Tell whether the node takes traffic: it listens and does not drain."""

    def status(self) -> Status:
        """Return the node in one view."""

    def tallies(self) -> Tallies:
        """Return all counters."""

    def top(self, count: int) -> Top:
        """Return the ``count`` busiest networks (and clients, where counted) of the last minute."""

    def bans(self) -> tuple[BanEntry, ...]:
        """Return the bans in force, the one that ends last first."""

    def ban(self, key: str, seconds: float, why: str) -> BanEntry:
        """Ban a client key or network; a longer ban in force stays. Return the ban that holds."""

    def unban(self, key: str) -> bool:
        """Lift the ban of exactly ``key``; False when there was none."""

    def allowances(self) -> tuple[Allowance, ...]:
        """Return the allowances in force."""

    def allow(self, key: str, seconds: float, why: str) -> Allowance:
        """Exempt a client key or network for a while; no ban holds it meanwhile. Survives no restart."""

    def disallow(self, key: str) -> bool:
        """End the allowance of exactly ``key``; False when there was none."""

    def cohorts(self) -> tuple[CohortEntry, ...]:
        """Return the cohorts of the excess, the greatest first."""

    def revoke(self, trait: str) -> bool:
        """End the cohort of ``trait`` until the site has been calm again; False when there is none."""

    def exempt(self) -> tuple[Network, ...]:
        """Return ``exempt.clients`` of the policy in force."""

    def trusted_proxies(self) -> tuple[Network, ...]:
        """Return ``server.trusted_proxies`` of the configuration in force."""

    def geo(self) -> GeoState:
        """Return the databases in use and what is wrong with them."""

    async def reload(self, by: str = "") -> tuple[str, ...]:
        """Read the configuration again: () when it was taken, else every problem, and the old one stays.

        ``by`` is who asked for it, as they said; it stands in the history of policies.
        """
