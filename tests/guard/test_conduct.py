"""Conduct: misbehaviour is counted by kind, forgiven with time, and banned beyond what the policy forgives."""

from __future__ import annotations

import ipaddress

import pytest

from shieldproxy.core.facts import PageKind
from shieldproxy.core.ladder import Ban
from shieldproxy.core.policy import BanPolicy, ChallengePolicy, Exemptions, Policy
from shieldproxy.core.verdict import Action, Mode, Verdict
from shieldproxy.guard.conduct import FLOOD, OFFENCES, PASSED, UNANSWERED, Conduct, within_any
from shieldproxy.guard.decisions import Decision, Outcome
from shieldproxy.guard.visits import Peer, Visit, visit
from tests.fakes.bans import DictBans
from tests.fakes.buckets import DictBuckets
from tests.fakes.clock import HandClock
from tests.fakes.tallies import CountedTallies
from tests.scenes import facts, visitor

POLICY = Policy(
    bans=BanPolicy(ladder=(60.0,), offences=2, floods=3, unanswered=4, patience=60.0, window=60.0),
    challenge=ChallengePolicy(answer_rate=1.0, answer_burst=2.0),
)
REFUSED = Verdict(Action.REFUSE, "denied", "rule", 0.0, 403)
UNREADABLE = Verdict(Action.REFUSE, "malformed", "", 0.0, 400)
THROTTLED = Verdict(Action.THROTTLE, "over_own_limit", "client", 1.0, 429)
CHALLENGED = Verdict(Action.CHALLENGE, "suspicious", "odd", 0.0, 503)
CROWDED = Verdict(Action.THROTTLE, "over_shared_limit", "asn", 10.0, 429)
DROPPED = Verdict(Action.DROP, "banned", "bans", 60.0, 403)
ADMITTED = Verdict(Action.ADMIT, "admit")


class Client:
    """One client, and what is kept of its conduct."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.clock, self.buckets, self.tallies = HandClock(), DictBuckets(), CountedTallies()
        self.told: list[Ban] = []
        self.policy = policy
        self.conduct = Conduct(
            policy,
            buckets=self.buckets,
            bans=DictBans(),
            tallies=self.tallies,
            clock=self.clock,
            on_ban=lambda ban, _visit: self.told.append(ban),
        )

    @property
    def visit(self) -> Visit:
        """Its visit."""
        return visit(self.policy, visitor(), self.buckets, 0)

    def does(self, verdict: Verdict, times: int = 1, *, challenge: str = "", page: PageKind = PageKind.PAGE) -> None:
        """Behave so that ``verdict`` is what it gets."""
        decision = Decision("id", Peer("192.0.2.1"), self.visit, facts(page=page), verdict, enforced=True)
        for _ in range(times):
            self.conduct.judge(decision, Outcome(verdict.status, challenge=challenge))

    @property
    def causes(self) -> list[str]:
        """Why it was banned."""
        return [ban.cause for ban in self.told]


KINDS = [
    # verdict, outcome of a challenge, forgiven, cause
    (REFUSED, "", 2, OFFENCES),
    (UNREADABLE, "", 2, OFFENCES),
    (ADMITTED, "forged", 2, OFFENCES),
    (ADMITTED, "garbled", 2, OFFENCES),
    (ADMITTED, "wrong", 2, OFFENCES),
    (THROTTLED, "", 3, FLOOD),
    (CHALLENGED, "", 4, UNANSWERED),
]


@pytest.mark.parametrize(("verdict", "challenge", "forgiven", "cause"), KINDS)
def test_each_kind_is_forgiven_so_often(verdict: Verdict, challenge: str, forgiven: int, cause: str) -> None:
    """As often as the policy says within the window; once more is a ban with its cause, and counted."""
    client = Client()
    client.does(verdict, forgiven, challenge=challenge)
    assert client.causes == []
    client.does(verdict, challenge=challenge)
    assert client.causes == [cause]
    assert client.tallies.named["bans"] == 1


NOT_COUNTED = [
    (CROWDED, "", PageKind.PAGE),  # the crowd's fault
    (DROPPED, "", PageKind.PAGE),  # banned already
    (ADMITTED, "expired", PageKind.API),  # slept too long
    (ADMITTED, "spent", PageKind.API),  # clicked twice
    (ADMITTED, "foreign", PageKind.API),  # changed the network on the way
    (ADMITTED, "too_early", PageKind.API),
    (Verdict(Action.CHALLENGE, "over_own_limit", "asks", 1.0, 503), "", PageKind.ASSET),  # nobody can answer it
]


@pytest.mark.parametrize(("verdict", "challenge", "page"), NOT_COUNTED)
def test_what_happens_to_people_is_no_misbehaviour(verdict: Verdict, challenge: str, page: PageKind) -> None:
    """However often it happens."""
    client = Client()
    client.does(verdict, 100, challenge=challenge, page=page)
    assert client.causes == []
    assert client.tallies.named["offences"] == 0


def test_kinds_are_counted_apart() -> None:
    """Two of one and three of another are forgiven both."""
    client = Client()
    client.does(REFUSED, 2)
    client.does(THROTTLED, 3)
    client.does(CHALLENGED, 4)
    assert client.causes == []


def test_time_forgives() -> None:
    """Half a window later half of it is forgiven."""
    client = Client()
    client.does(THROTTLED, 3)
    client.clock.advance(20.0)
    client.does(THROTTLED, 1)
    assert client.causes == []
    client.does(THROTTLED, 1)
    assert client.causes == [FLOOD]


def test_an_answer_takes_back_the_challenge_it_answers() -> None:
    """And no more than that: a stock of answers pays for nothing to come."""
    client = Client()
    for _ in range(20):
        client.does(CHALLENGED)
        client.does(ADMITTED, challenge="passed")
    client.does(ADMITTED, 20, challenge="passed")
    client.does(CHALLENGED, 4)
    assert client.causes == []
    client.does(CHALLENGED)
    assert client.causes == [UNANSWERED]


def test_answers_come_only_so_fast() -> None:
    """Two at once and one a second, whatever comes of them."""
    client = Client()
    assert [client.conduct.answers_too_fast(client.visit) for _ in range(3)] == [False, False, True]
    assert client.conduct.answer_wait == 1.0
    client.clock.advance(1.0)
    assert not client.conduct.answers_too_fast(client.visit)


SPARED = [
    POLICY._replace(mode=Mode.OBSERVE),
    POLICY._replace(exempt=Exemptions((ipaddress.ip_network("192.0.2.0/24"),))),
    POLICY._replace(bans=POLICY.bans._replace(spared=(ipaddress.ip_network("192.0.2.1"),))),
]


@pytest.mark.parametrize("policy", SPARED, ids=["observed", "exempt", "forwarder"])
def test_some_are_never_banned(policy: Policy) -> None:
    """While we only observe, who is exempt, and servers that speak for everybody."""
    client = Client(policy)
    for verdict in (REFUSED, UNREADABLE, THROTTLED, CHALLENGED):
        client.does(verdict, 50)
    assert client.causes == []


def test_a_new_policy_keeps_what_was_counted() -> None:
    """Who was about to be banned is not forgiven by a reload; a stricter policy holds at once."""
    client = Client()
    client.does(REFUSED, 2)
    client.conduct.adopt(POLICY)
    client.does(REFUSED)
    assert client.causes == [OFFENCES]
    client.conduct.adopt(POLICY._replace(bans=POLICY.bans._replace(floods=1)))
    client.clock.advance(61.0)
    client.does(THROTTLED, 2)
    assert client.causes == [OFFENCES, FLOOD]


@pytest.mark.parametrize(
    ("address", "held"), [("192.0.2.1", True), ("198.51.100.1", False), ("2001:db8::1", False), ("no address", False)]
)
def test_within_any(address: str, held: bool) -> None:  # noqa: FBT001 - a column of the table
    """Only an address can lie in a network, and only in one of its kind; in none lies nobody."""
    assert within_any(address, (ipaddress.ip_network("192.0.2.0/24"),)) is held
    assert not within_any(address, ())


def test_one_answer_forgets_all_challenges_before_it() -> None:
    """Many people share an address: where somebody answers, nobody is banned for those who did not yet."""
    client = Client()
    for _ in range(5):
        client.does(CHALLENGED, 4)
        client.does(ADMITTED, challenge=PASSED)
    assert client.causes == []
    client.does(CHALLENGED, 5)
    assert client.causes == [UNANSWERED]


def test_patience_ends_for_who_asks_slowly_too() -> None:
    """A client that is challenged every ten seconds and answers none is banned within a few minutes."""
    client = Client(Policy(bans=BanPolicy(unanswered=10, patience=600.0)))
    for _ in range(20):
        client.does(CHALLENGED)
        client.clock.now += 10.0
    assert UNANSWERED in client.causes
