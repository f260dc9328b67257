"""The guard: one judge behind every door. It knows no socket, no framework and no file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, assert_never

from cachetools import LRUCache

from shieldproxy.core.addresses import Address
from shieldproxy.core.clearance import Kind
from shieldproxy.core.facts import Facts, Malformed, Request
from shieldproxy.core.judge import judge
from shieldproxy.core.observing import consider, watches
from shieldproxy.core.stages import STAGE_NAMES, suspicion
from shieldproxy.core.verdict import Action, Mode, Verdict
from shieldproxy.guard.answers import OwnAnswer
from shieldproxy.guard.conduct import PASSED, Conduct
from shieldproxy.guard.crowd import Crowd
from shieldproxy.guard.decisions import ADMIT, ORIGIN, Decision, Outcome
from shieldproxy.guard.habits import HabitsOfAll
from shieldproxy.guard.kept_forms import keepable
from shieldproxy.guard.recording import Draft
from shieldproxy.guard.repeats import Repeatable, Repeated, repeatable
from shieldproxy.guard.replies import HANG_UP
from shieldproxy.guard.visits import Peer, Visit, visit, visitor_of
from shieldproxy.guard.wording import Wording

if TYPE_CHECKING:
    from collections.abc import Callable

    from shieldproxy.core.judge import Fault
    from shieldproxy.core.ladder import Ban
    from shieldproxy.core.policy import Policy
    from shieldproxy.core.ports import (
        Bans,
        Buckets,
        Journal,
        Monotonic,
        Networks,
        Newcomers,
        Tallies,
        Traits,
        WallClock,
    )
    from shieldproxy.guard.gate import Gate
    from shieldproxy.guard.gathering import Gatherer
    from shieldproxy.guard.replies import Replies, Reply

# Visits remembered between connections; about 1 KiB each. A flood of new addresses turns this over and costs
# what a first visit costs (some 15 µs), never more memory.
VISITS = 16_384

STAGE_INDEX = {name: index for index, name in enumerate(STAGE_NAMES)}
OVER_OWN_LIMIT = STAGE_INDEX["over_own_limit"]


class Guard:
    """Judges requests for any door: ``meet`` a client, ``decide`` a request, ``reply`` to it, ``settle`` it.

    Everything is synchronous and in memory. ``on_ban`` hears of each ban the ladder imposes, ``on_fault`` of each
    stage that raised.
    """

    def __init__(  # noqa: PLR0913 - one argument for each port
        self,
        policy: Policy,
        *,
        gatherer: Gatherer,
        gate: Gate,
        replies: Replies,
        networks: Networks,
        buckets: Buckets,
        bans: Bans,
        journal: Journal,
        tallies: Tallies,
        newcomers: Newcomers,
        traits: Traits,
        clock: Monotonic,
        wall: WallClock,
        node: str,
        next_id: Callable[[], str],
        on_ban: Callable[[Ban, Visit], None],
        on_fault: Callable[[Fault], None],
    ) -> None:
        self._policy = policy
        self._gatherer = gatherer
        self._gate = gate
        self._replies = replies
        self._networks = networks
        self._buckets = buckets
        self._bans = bans
        self._journal = journal
        self._tallies = tallies
        self._crowd = Crowd(newcomers, traits)
        self._clock = clock
        self._wall = wall
        self._node = node
        self._next_id = next_id
        self._on_fault = on_fault
        self._wording = Wording()
        self._generation = 0
        self._episode = ""
        self._geo = networks.version
        self._habits = HabitsOfAll()
        self._visits: LRUCache[Address, Visit] = LRUCache(VISITS)
        self._conduct = Conduct(policy, buckets=buckets, bans=bans, tallies=tallies, clock=clock, on_ban=on_ban)
        self._note_exemptions()

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._policy

    def adopt(self, policy: Policy) -> None:
        """Judge by ``policy`` from now on. Buckets, bans and clearances stay as they are."""
        self._policy = policy
        self._conduct.adopt(policy)
        self._note_exemptions()
        self.forget_labels()

    def forget_labels(self) -> None:
        """Ask databases and policy anew for every client (after a reload of either)."""
        self._generation += 1
        self._geo = self._networks.version
        self._visits.clear()
        self._habits.clear()

    def note_episode(self, episode: str) -> None:
        """Write the ID of the episode that is open ('': none) into every record from now on."""
        self._episode = episode

    def meet(self, address: Address) -> Visit:
        """Return the visit of the client at ``address``; known ones from memory."""
        try:
            return self._visits[address]
        except KeyError:
            pass
        visitor = visitor_of(address, self._networks.label(str(address)))
        found = visit(self._policy, visitor, self._buckets, self._generation, self._habits.of, self._gatherer.usual_of)
        self._visits[address] = found
        return found

    def renew(self, known: Visit, address: Address) -> Visit:
        """Return ``known`` while policy and databases are the same, else the visit of ``address`` anew."""
        return known if known.generation == self._generation else self.meet(address)

    def banned(self, known: Visit) -> bool:
        """Tell whether a connection of ``known`` may be closed before a byte is read.

        Not while what it asks for may be exempt from every ban: then the request has to be read first.
        """
        if known.standing.exempt or self._requests_exempt or self._policy.mode is Mode.OBSERVE:
            return False
        visitor = known.visitor
        return self._bans.find(visitor.client, visitor.address, self._clock()) is not None

    def hurries(self, known: Visit, interval: float, span: float) -> bool:
        """Count a TLS handshake that ``known`` begins; True when it has to be refused (see Conduct)."""
        return self._conduct.hurries(known, interval, span)

    def decide(self, peer: Peer, known: Visit, request: Request) -> Decision:
        """Return the decision on ``request``; charges buckets, touches nothing else. Never awaits, never raises."""
        policy = self._policy
        facts = self._gatherer.gather(policy, known, request, self._clock(), ja4=peer.ja4)
        return self._judge(policy, peer, known, facts, own=self._gatherer.is_own(request.path, facts.request.place))

    def decide_malformed(self, peer: Peer, known: Visit, request: Request, reason: Malformed) -> Decision:
        """Return the decision on a message that cannot be served: never admitted, whatever the mode."""
        facts = self._gatherer.gather_malformed(known, request, reason, self._clock())
        if self._policy.mode is Mode.OBSERVE:
            facts = facts._replace(ban=None)  # nobody is dropped; what is wrong with the message is what is told
        decision = self._judge(self._policy, peer, known, facts, own=False)
        if decision.admitted:  # the stage that refuses has failed, and there is no request to forward
            verdict = Verdict(Action.REFUSE, "malformed", "", 0.0, reason.status, (reason.reason,))
            decision = decision._replace(verdict=verdict, enforced=True)
        return decision

    def _judge(self, policy: Policy, peer: Peer, known: Visit, facts: Facts, *, own: bool) -> Decision:
        verdict, faults = consider(policy, facts) if self._watches else judge(policy, facts)
        for fault in faults:
            self._tallies.count("faults")
            self._on_fault(fault)
        # What cannot be parsed cannot be let pass: framing errors are refused in observe mode too.
        enforced = self._enforces or verdict.stage == "malformed"
        if not own:
            self._crowd.saw(facts, verdict)
        if verdict.action is Action.CHALLENGE and enforced and facts.request.method == "POST" and not own:
            own = Kind.FORM in policy.challenge.kinds and keepable(facts.request)
        return Decision(self._next_id(), peer, known, facts, verdict, enforced, own, policy.digest)

    def reply(self, decision: Decision) -> Reply | None:
        """Return our own answer to a request that is not admitted; None where the door forwards it."""
        if decision.admitted:
            return None
        verdict = decision.verdict
        match verdict.action:
            case Action.ADMIT:
                return None
            case Action.CHALLENGE:
                if decision.own:
                    return None
                return self._challenge(decision)
            case Action.THROTTLE | Action.REFUSE:
                return self.refusal(decision)
            case Action.DROP:
                return HANG_UP
            case _:
                assert_never(verdict.action)

    def _challenge(self, decision: Decision, body: bytes = b"") -> Reply:
        facts, verdict = decision.facts, decision.verdict
        self._tallies.count("challenges.proof-of-work.issued")
        self._crowd.challenged(facts)
        work = self._policy.challenge.work(facts.posture, verdict.suspicion)
        return self._gate.challenge(facts.visitor, facts.request, verdict, decision.id, work, body)

    def refusal(self, decision: Decision) -> Reply:
        """Return the page that says no; also for what is dropped, where a door cannot hang up on that client alone."""
        return self._replies.refusal(decision.verdict, decision.facts.request, decision.id)

    def serve_own(self, decision: Decision, body: bytes, *, secure: bool) -> OwnAnswer:
        """Answer what is ours to answer (``decision.own``): a request for one of our paths, or a form to be kept."""
        facts = decision.facts
        known = decision.visit
        too_fast = self._conduct.answers_too_fast(known)
        if decision.verdict.action is Action.CHALLENGE:
            return OwnAnswer(self._challenge(decision, b"" if too_fast else body), "issued")
        if too_fast:
            verdict = decision.verdict._replace(action=Action.THROTTLE, status=429, wait=self._conduct.answer_wait)
            return self._gate.too_many(self._replies.refusal(verdict, facts.request, decision.id))
        work = self._policy.challenge.work(facts.posture, suspicion(facts))
        answer = self._gate.serve(facts.visitor, facts.request, body, decision.id, secure=secure, work=work)
        if answer.kind:
            self._tallies.count(f"challenges.{answer.kind}.{answer.challenge}")
            if answer.challenge == PASSED:
                self._crowd.answered(facts)
        return answer

    def failure(self, decision: Decision, status: int) -> Reply:
        """Return the page for a request that was admitted and could not be served (502, 503, 504)."""
        verdict = decision.verdict._replace(status=status, wait=10.0 if status == 503 else 0.0)
        return self._replies.refusal(verdict, decision.facts.request, decision.id)

    def settle(self, decision: Decision, outcome: Outcome) -> None:
        """Write the exchange down, count it, and let the ladder hear of offences. Called once for every request."""
        verdict = decision.verdict
        draft = Draft(decision, outcome, self._wall(), self._node, self._geo, self._episode, self._wording)
        self._journal.put(draft)
        tallies = self._tallies
        action = verdict.action
        tallies.count_verdict(action, STAGE_INDEX[verdict.stage], outcome.duration_us)
        tallies.count_asn(decision.facts.visitor.label.asn, action)
        if outcome.side is ORIGIN:
            tallies.count("origin_errors")
        if (action is not ADMIT or outcome.challenge) and decision.enforced:
            self._conduct.judge(decision, outcome)

    def repeatable(self, decision: Decision, outcome: Outcome) -> Repeatable | None:
        """Return a settled refusal as one that may be given again (see guard.repeats), or None."""
        if self._watches or self._policy.exempt.paths is not None or decision.visit.generation != self._generation:
            return None
        return repeatable(Draft(decision, outcome, 0.0, self._node, self._geo, self._episode))

    def repeat(self, known: Repeatable, target: bytes, started: float, id_length: int) -> str | None:
        """Refuse a request again, with the same headers and another ``target``: judged, counted, written down.

        Return its ID, of ``id_length`` characters; None, with nothing charged, when it has to be judged in full.
        ``started`` is on the clock.
        """
        visit, charge = known.visit, known.charge
        visitor = visit.visitor
        if visit.generation != self._generation or self._gatherer.is_own_target(target):
            return None
        if known.draft.episode != self._episode:
            return None
        # A charge of nothing only looks: what is left is less than a token, or more.
        wait = charge.interval - self._buckets.charge(charge.slot, 0.0, charge.span, started)
        if wait <= 0.0 or math.ceil(wait) != known.seconds:
            return None
        if self._bans.find(visitor.client, visitor.address, started) is not None:
            return None
        request_id = self._next_id()
        if len(request_id) != id_length:
            return None
        elapsed = int((self._clock() - started) * 1e6)
        self._journal.put(Repeated(known, request_id, target, self._wall(), wait, elapsed))
        self._tallies.count_verdict(Action.THROTTLE, OVER_OWN_LIMIT, elapsed)
        self._tallies.count_asn(visitor.label.asn, Action.THROTTLE)
        self._conduct.flood(visit)
        return request_id

    def _note_exemptions(self) -> None:
        """Work out once a policy whether a request may be exempt whoever sends it, and whether anything observes."""
        policy = self._policy
        self._watches = watches(policy)
        self._enforces = policy.mode is Mode.ENFORCE
        self._requests_exempt = policy.exempt.paths is not None or any(
            rule.action is Action.ADMIT and rule.when.asks_request for rule in policy.rules
        )
