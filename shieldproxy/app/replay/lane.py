"""A lane: one configuration that judges past requests, with buckets and bans of its own, on the clock of the log.

Gatherer, judge and conduct are the guard's; only what surrounds them is made for the past: a clock that says what
the log says, clearances that are held by whoever passed in the log, and a posture decided second by second.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from shieldproxy.app.replay.callers import MOST_CALLERS, place_of
from shieldproxy.app.replay.detecting import PastDetector
from shieldproxy.app.terms import excess_policy, posture_policy
from shieldproxy.core.clearance import Clearance, Kind
from shieldproxy.core.facts import Malformed, Request
from shieldproxy.core.judge import judge
from shieldproxy.core.observing import consider, watches
from shieldproxy.core.stages import ADMITTED
from shieldproxy.core.verdict import Action, Mode, Verdict
from shieldproxy.guard.conduct import PASSED, Conduct
from shieldproxy.guard.decisions import Decision, Outcome
from shieldproxy.guard.gathering import Gatherer
from shieldproxy.guard.habits import HabitsOfAll
from shieldproxy.guard.visits import Peer, Visit, visit
from shieldproxy.state.bans import BanTable
from shieldproxy.state.buckets import BucketTable
from shieldproxy.state.slots import LAST_EVICTION, SlotTable, bytes_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shieldproxy.app.replay.callers import Caller, Session
    from shieldproxy.core.facts import Crawler, NetworkLabel, Visitor
    from shieldproxy.core.ladder import Ban
    from shieldproxy.core.policy import Policy
    from shieldproxy.journal.foreign import Logged
    from shieldproxy.settings.schema import Posture

# The names of buckets are hashed; the same secret each time gives the same answers each time.
SECRET = bytes(32)
# Bans that a lane remembers; as many as a node.
BAN_SLOTS = 262_144
# Headers that logs hold. A rule that asks for another one would find it missing in every request.
HELD_HEADERS = frozenset((b"user-agent", b"referer"))
NOBODY = Peer("")
UNREADABLE = Malformed(400, "a request line that is none")
FOREVER = 2**32 - 1
ANSWERED = Outcome(200, challenge=PASSED)
outcome_of = lru_cache(64)(Outcome)


class HeldClearances:
    """The clearances of the past: a caller who holds one brings its name as a cookie."""

    def __init__(self, epoch: int) -> None:
        self._epoch = epoch

    def read_clearance(
        self,
        cookies: bytes,
        visitor: Visitor,  # noqa: ARG002 - the gate's signature
        user_agent: bytes,  # noqa: ARG002
        *,
        late: bool = False,  # noqa: ARG002
    ) -> Clearance:
        """Return the clearance that the lane put there."""
        return Clearance(cookies.decode(), Kind.WORK, FOREVER, self._epoch)


class NoTallies:
    """Counters nobody reads."""

    def count_verdict(self, action: int, stage: int, duration_us: int) -> None:
        """Count nothing."""

    def count_origin(self, duration_us: int) -> None:
        """Count nothing."""

    def count(self, name: str, amount: float = 1.0) -> None:
        """Count nothing."""

    def count_asn(self, asn: int, action: int) -> None:
        """Count nothing."""


class LoneTable(SlotTable):
    """A table with one writer, which knows by itself when it evicted last."""

    @property
    def last_eviction(self) -> float:
        """The moment of the latest eviction; 0.0 when there was none."""
        return self._stamps[self._line + LAST_EVICTION]


class Lane:
    """Judges the requests of a log by ``policy``, in their order, the site standing as ``posture`` has it.

    ``faults`` counts stages that raised.

    ``slots`` is how many buckets are remembered. With ``acting`` all that only observes, the whole or a part, is
    replayed as if it acted, which is what one wants to know of it; else as it stands.
    """

    def __init__(  # noqa: PLR0913 - what differs between lanes
        self,
        policy: Policy,
        posture: Posture,
        *,
        own_path: str,
        recognise: Callable[[NetworkLabel, str], Crawler],
        class_of: Callable[[int], str],
        slots: int,
        number: int = 0,
        acting: bool = True,
    ) -> None:
        self.policy, self.unasked = askable(acted(policy) if acting else policy)
        self._judge = consider if watches(self.policy) else judge
        self.faults = 0
        self.bans = 0
        self._number = number
        self._now = 0.0
        scopes = {limit.name: limit.scope for limit in policy.limits}
        self._buckets = BucketTable(LoneTable(bytearray(bytes_for(slots))), SECRET, scopes)
        self._bans = BanTable(SlotTable(bytearray(bytes_for(BAN_SLOTS))), SECRET)
        self._recognise, self._own_path = recognise, own_path
        self.detector = PastDetector(
            posture_policy(posture), excess_policy(posture), posture.sample, slot=self._buckets.slot, class_of=class_of
        )
        self._gatherer = Gatherer(
            buckets=self._buckets,
            bans=self._bans,
            gate=HeldClearances(policy.challenge.epoch),
            situation=self.detector.situation,
            recognise=recognise,
            own_path=own_path,
        )
        self._conduct = Conduct(
            self.policy,
            buckets=self._buckets,
            bans=self._bans,
            tallies=NoTallies(),
            clock=lambda: self._now,
            on_ban=self._banned,
        )
        self._visits: dict[str, Visit] = {}
        self._habits = HabitsOfAll()
        self._cleared: dict[Session, float] = {}
        self._lets_pass = self.policy.mode is Mode.OBSERVE
        self.asks_referer = asks_referer(self.policy)
        self._next_second = 0

    def judge(self, caller: Caller, logged: Logged, now: float, *, cleared: bool) -> Verdict:
        """Return the verdict on a request at ``now`` (seconds, never going back). ``cleared``: it was, in the log."""
        self._now = now
        if now >= self._next_second:
            self._begin_second(now)
        known = caller.visits.get(self._number)
        if known is None:
            known = caller.visits[self._number] = self._meet(caller.visitor)
        cleared = cleared or (caller.session.passes and self._cleared.get(caller.session, 0.0) > now)
        headers = caller.cleared if cleared else caller.headers
        if self.asks_referer and logged.referer:
            headers = {**headers, b"referer": logged.referer.encode("latin-1", "replace")}
        method, path = logged.method, logged.path
        request = Request(method, logged.host, path, logged.query, logged.version, headers, "", place_of(path))
        if method:
            facts = self._gatherer.gather(self.policy, known, request, now)
        else:
            facts = self._gatherer.gather_malformed(known, request, UNREADABLE, now)
        verdict, faults = self._judge(self.policy, facts)
        if faults:
            self.faults += 1
        self.detector.saw(facts, verdict)
        verdict = self._acted_upon(verdict)
        if verdict.action is not Action.ADMIT:
            self._follow(caller, Decision("", NOBODY, known, facts, verdict, enforced=True))
        return verdict

    def _begin_second(self, now: float) -> None:
        self._next_second = int(now) + 1
        self.detector.end_seconds(now)
        self._buckets.refresh(now)

    def _acted_upon(self, verdict: Verdict) -> Verdict:
        """Return what is done: where all is only observed, everything that can be read passes."""
        return ADMITTED if self._lets_pass and verdict.stage != "malformed" else verdict

    def _meet(self, visitor: Visitor) -> Visit:
        """Return the visit of a caller; callers of one address share it while they are near each other in the log."""
        found = self._visits.get(visitor.address)
        if found is None:
            if len(self._visits) >= MOST_CALLERS:
                self._visits.clear()
            found = self._visits[visitor.address] = visit(self.policy, visitor, self._buckets, 0, self._habits.of)
        return found

    def _follow(self, caller: Caller, decision: Decision) -> None:
        """Let the ladder hear of a request that was not admitted; who passed in the log answers its challenge."""
        self._conduct.judge(decision, outcome_of(decision.verdict.status))
        if decision.verdict.action is not Action.CHALLENGE:
            return
        answers = caller.session.passes
        self.detector.challenged(caller.visitor.label.asn, answered=answers)
        if answers:
            self._cleared[caller.session] = self._now + self.policy.challenge.clearance_validity
            self._conduct.judge(decision, ANSWERED)

    def _banned(self, ban: Ban, known: Visit) -> None:  # noqa: ARG002 - whom and how long is the table's to know
        self.bans += 1


def askable(policy: Policy) -> tuple[Policy, tuple[str, ...]]:
    """Return ``policy`` without the rules that ask for headers no log holds, and the names of those."""
    unasked = tuple(
        rule.name for rule in policy.rules if any(test.name not in HELD_HEADERS for test in rule.when.header)
    )
    return policy._replace(rules=tuple(rule for rule in policy.rules if rule.name not in unasked)), unasked


def acted(policy: Policy) -> Policy:
    """Return ``policy`` with all that only observes, or acts on a share of clients, acting on everybody."""
    return policy._replace(
        mode=Mode.ENFORCE,
        limits=tuple(limit._replace(observed=False) for limit in policy.limits),
        rules=tuple(rule._replace(observed=False, enforce_share=1.0) for rule in policy.rules),
    )


def asks_referer(policy: Policy) -> bool:
    """Tell whether a rule or a limit of ``policy`` looks at the referer."""
    conditions = [rule.when for rule in policy.rules]
    conditions += [limit.match for limit in policy.limits if limit.match is not None]
    return any(test.name == b"referer" for condition in conditions for test in condition.header)


def summed(counts: Mapping[Action, int]) -> dict[str, int]:
    """Return requests by the word of the action, all of them, the mildest first."""
    return {action.word: counts.get(action, 0) for action in Action}
