"""What the tests of the guard share: a guard over fakes, and a door's part of an exchange in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

from shieldproxy.core.addresses import parse_address
from shieldproxy.core.facts import Crawler, Malformed, NetworkLabel, Request
from shieldproxy.core.judge import Fault
from shieldproxy.core.ladder import Ban
from shieldproxy.core.policy import Policy
from shieldproxy.core.record import Record
from shieldproxy.core.verdict import Side
from shieldproxy.guard.decisions import Decision, Outcome
from shieldproxy.guard.gathering import Gatherer
from shieldproxy.guard.guard import Guard
from shieldproxy.guard.replies import Replies
from shieldproxy.guard.visits import Peer, Visit
from tests.fakes.bans import DictBans
from tests.fakes.buckets import DictBuckets
from tests.fakes.clock import HandClock
from tests.fakes.journal import ListJournal
from tests.fakes.networks import TableNetworks
from tests.fakes.newcomers import CountedNewcomers, CountedTraits
from tests.fakes.situation import SetSituation
from tests.fakes.tallies import CountedTallies
from tests.guard.at_the_gate import BOOK, LOOK, gate
from tests.scenes import request

HERE = Peer("192.0.2.1", 40_000, "198.51.100.80", 443)
FORWARDED = Outcome(200, 100, 2_000, 1_500)


def robots_by_name(_label: NetworkLabel, agent: str) -> Crawler:
    """Confirm whoever calls itself a robot."""
    return Crawler.VERIFIED if "robot" in agent else Crawler.NONE


class GuardedSite:
    """A guard, everything it remembers in reach, and the part of a door."""

    def __init__(
        self,
        policy: Policy,
        networks: dict[str, NetworkLabel] | None = None,
        *,
        recognise: Callable[[NetworkLabel, str], Crawler] = robots_by_name,
        claims: Callable[[str], str] = lambda _agent: "",
        testify: Callable[[str, str], Crawler] = lambda _robot, _address: Crawler.NONE,
    ) -> None:
        self.clock, self.wall = HandClock(), HandClock(1_800_000_000.0)
        self.buckets, self.bans, self.situation = DictBuckets(), DictBans(), SetSituation()
        self.journal, self.tallies, self.newcomers = ListJournal(), CountedTallies(), CountedNewcomers()
        self.traits = CountedTraits()
        self.networks = TableNetworks(networks or {})
        self.gate = gate(self.wall, policy.challenge)
        self.imposed: list[Ban] = []
        self.faults: list[Fault] = []
        numbers = count(1)
        self.gatherer = Gatherer(
            buckets=self.buckets,
            bans=self.bans,
            gate=self.gate,
            situation=self.situation,
            recognise=recognise,
            own_path="/.shieldproxy",
            claims=claims,
            testify=testify,
        )
        self.guard = Guard(
            policy,
            gatherer=self.gatherer,
            gate=self.gate,
            replies=Replies(LOOK, BOOK),
            networks=self.networks,
            buckets=self.buckets,
            bans=self.bans,
            journal=self.journal,
            tallies=self.tallies,
            newcomers=self.newcomers,
            traits=self.traits,
            clock=self.clock,
            wall=self.wall,
            node="test-0",
            next_id=lambda: f"id-{next(numbers)}",
            on_ban=lambda ban, _visit: self.imposed.append(ban),
            on_fault=self.faults.append,
        )

    def visit(self, address: str = "192.0.2.1") -> Visit:
        """Return the visit of the client at ``address``."""
        parsed = parse_address(address)
        assert parsed is not None
        return self.guard.meet(parsed)

    def decide(self, asked: Request | None = None, address: str = "192.0.2.1") -> Decision:
        """Return the decision on a browser's request for ``/``, or on ``asked``."""
        return self.guard.decide(HERE._replace(src_ip=address), self.visit(address), asked or request())

    def ask(
        self, asked: Request | None = None, address: str = "192.0.2.1", outcome: Outcome = FORWARDED
    ) -> tuple[Decision, int]:
        """Do what a door does: decide, answer or forward, settle; return the decision and the status."""
        decision = self.decide(asked, address)
        reply = self.guard.reply(decision)
        if reply is not None:
            outcome = Outcome(reply.status)
        self.guard.settle(decision, outcome)
        return decision, outcome.status

    def send(self, body: bytes, headers: dict[bytes, bytes], address: str = "192.0.2.1") -> Any:
        """Send an answer to a challenge; return the gate's answer."""
        decision = self.decide(request("/.shieldproxy/answer", headers, method="POST"), address)
        answer = self.guard.serve_own(decision, body, secure=True)
        self.guard.settle(decision, Outcome(answer.reply.status, challenge=answer.challenge))
        return answer

    def malform(self, address: str = "192.0.2.1") -> tuple[Decision, int]:
        """Send a message that cannot be read."""
        reason = Malformed(400, "two Host headers")
        peer = HERE._replace(src_ip=address)
        decision = self.guard.decide_malformed(peer, self.visit(address), request(method=""), reason)
        reply = self.guard.reply(decision)
        status = reply.status if reply is not None else -1
        self.guard.settle(decision, Outcome(status, side=Side.CLIENT))
        return decision, status

    @property
    def records(self) -> list[Record]:
        """What the journal got."""
        return self.journal.records


def stages_of(decisions: Iterable[Decision]) -> list[str]:
    """Return the stages that spoke."""
    return [decision.verdict.stage for decision in decisions]
