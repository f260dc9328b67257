"""Ports: what the guard and the doors need from other rooms, each said in a sentence.

Adapters live in their rooms; fakes of the same shape live in tests/fakes; ``app.py`` hands them over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from shieldproxy.core.addresses import Network
    from shieldproxy.core.clearance import Clearance, Refusal
    from shieldproxy.core.facts import NetworkLabel, Posture, Tightening, Visitor
    from shieldproxy.core.ladder import Ban
    from shieldproxy.core.line import Front
    from shieldproxy.core.policy import BanPolicy
    from shieldproxy.core.record import Record

    Monotonic = Callable[[], float]  # seconds; never goes back
    WallClock = Callable[[], float]  # unix seconds; may be set
    Chance = Callable[[int], bytes]  # so many unguessable bytes


class Buckets(Protocol):
    """One table of buckets for all workers of a node."""

    def slot(self, limit: str, key: str) -> int:
        """Return the 64-bit name of the bucket of ``key`` under ``limit``; the same in every worker."""

    def charge(self, slot: int, interval: float, span: float, now: float) -> float:
        """Charge one token and return the slack in seconds (below zero: overdrawn and not charged)."""

    @property
    def saturated(self) -> bool:
        """Whether a live bucket had to be forgotten lately."""


class Bans(Protocol):
    """Who is banned, for all workers of a node."""

    def find(self, client: str, address: str, now: float) -> Ban | None:
        """Return the ban in force for a client key or the networks around its address."""

    def impose(self, policy: BanPolicy, client: str, cause: str, now: float) -> Ban:
        """Ban ``client`` on the next rung of the ladder and return the ban."""


class ClearanceReader(Protocol):
    """Whoever knows a clearance when it sees one."""

    def read_clearance(
        self, cookies: bytes, visitor: Visitor, user_agent: bytes, *, late: bool = False
    ) -> Clearance | Refusal | None:
        """Return the clearance in a Cookie header, why its token gives none, or None where there is no token.

        ``late``: one that ended a while ago counts as well, for what was begun while it was in force.
        """


class SpentPuzzles(Protocol):
    """Puzzles that were answered."""

    def spend_once(self, nonce: str, expires: float, now: float) -> bool:
        """Mark ``nonce`` as spent, in one atomic step over all workers; False when it was spent before.

        ``expires`` and ``now`` are unix seconds, the clock by which puzzles expire.
        """


class Networks(Protocol):
    """What is known of an address."""

    def label(self, address: str) -> NetworkLabel:
        """Return the label of ``address``; in memory, microseconds, never raises."""

    @property
    def version(self) -> str:
        """The databases in use, as records name them."""


class Draft(Protocol):
    """A record in the making: in a flood most are summed and never made, so making one waits until it is written."""

    @property
    def weight(self) -> int:
        """How many requests it stands for."""

    def alike(self) -> tuple[object, ...] | None:
        """Return what drafts must agree in to be summed into one record; None: it is never summed."""

    def line(self, seq: int, lost_before: int) -> tuple[str, bytes] | None:
        """Return ``ts`` and the finished line numbered ``seq``, where that is cheaper than its record; else None.

        Byte for byte what the record's line is. Called in the thread that writes the journal.
        """

    def record(self) -> Record:
        """Return the finished record; may be called in another thread, once."""


class Journal(Protocol):
    """Where decisions are written down."""

    def put(self, draft: Draft) -> None:
        """Take ``draft``; never blocks, never raises: what does not fit is counted as lost."""


class Tallies(Protocol):
    """Counters of one worker that the node adds up."""

    def count_verdict(self, action: int, stage: int, duration_us: int) -> None:
        """Count one settled request."""

    def count_origin(self, duration_us: int) -> None:
        """Count one answer of the origin: how long its head took from the request's end."""

    def count(self, name: str, amount: float = 1.0) -> None:
        """Add to the counter ``name`` (one of a fixed list)."""

    def count_asn(self, asn: int, action: int) -> None:
        """Count one request of a network, heavy hitters only."""


class Situation(Protocol):
    """How the site stands, as the node's detector says."""

    @property
    def posture(self) -> Posture:
        """The posture of this second."""

    def tightening(self, network: int, client: int, now: float) -> Tightening:
        """Return whether a newcomer is tested for the excess it may be part of.

        Both names are slots of buckets: of the client's network, and one of the client's own.
        """

    def cohort(self, traits: tuple[int, ...], now: float) -> int:
        """Return which of a request's ``traits`` (slots) is that of a cohort, -1 when none is."""

    def spares(self, path: int, now: float) -> bool:
        """Tell whether the excess asks for other paths than ``path`` (a slot)."""

    def usual(self, network: int) -> float:
        """Return how often newcomers of a network (a slot) usually ask a second; 0 for little or not known."""


class Traits(Protocol):
    """Counters of what newcomers' pages have in common."""

    def count(self, traits: tuple[str, ...]) -> None:
        """Count one page that has ``traits``."""


class WaitingLine(Protocol):
    """The line of people before a full site, one for all workers of a node. Moments are microseconds of unix time."""

    @property
    def opened(self) -> bool:
        """Whether anybody waits."""

    @property
    def front(self) -> Front:
        """The moment by which one must have come to be called."""

    @property
    def rate(self) -> float:
        """How many are called a second."""

    def joined(self, now: int) -> Sequence[tuple[int, int]]:
        """Return the seconds since the front and how many joined in each."""

    def join(self, arrived: int) -> None:
        """Count somebody who joined; the line is open from now on."""

    def reopen(self) -> None:
        """Say that the site is full, without somebody new in the line."""

    def come(self) -> None:
        """Count somebody who was called and came."""

    def tell(self, room: int) -> None:
        """Say for how many more this worker has room."""


class Newcomers(Protocol):
    """Counters of what newcomers of each network do."""

    def count(self, asn: int, deed: int) -> None:
        """Count one deed (core.excess.Deed) of a network."""


class Offload(Protocol):
    """Bans done by the kernel, before a connection costs this program anything.

    ``init``, ``commit``, ``collect_metrics`` and ``shut_down`` may take seconds and raise OffloadError: whoever calls
    gives them a thread of its own, and one call is made at a time. After an error the same call may be made again.
    """

    def init(self, now: float) -> None:
        """Make the place for bans, in one step in place of what an earlier run left there, with all bans noted."""

    def spare(self, networks: Iterable[Network]) -> None:
        """Name those that are never handed over, from the next ``commit`` on; loopback never is."""

    def add(self, ban: Ban) -> None:
        """Note a ban, in place of an earlier one of the same key; done with the next ``commit``."""

    def delete(self, key: str) -> None:
        """Note that the ban of exactly ``key`` is over; done with the next ``commit``."""

    def commit(self, now: float) -> None:
        """Do what was noted. What an error kept from being done is done by the next call."""

    def collect_metrics(self) -> Mapping[str, int]:
        """Return attempts to connect that were dropped since the last call, by the key of the ban.

        Under ``""`` stand those of bans that had ended before they were counted; the sum of all is exact.
        """

    def shut_down(self) -> None:
        """Take away all that ``init`` made, and nothing else."""

    @property
    def handed(self) -> int:
        """How many bans and pieces of banned networks the kernel has."""

    @property
    def left_out(self) -> int:
        """How many found no room there; they hold in memory."""
