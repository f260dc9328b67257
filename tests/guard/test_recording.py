"""Recording: what stands in the journal of a decision, and what never does."""

from __future__ import annotations

from typing import Any

import pytest

from shieldproxy.core.facts import NetworkLabel, Request
from shieldproxy.core.policy import Policy
from shieldproxy.core.record import MAX_QUERY, MAX_TEXT, Record
from shieldproxy.core.verdict import Action, Side, Verdict
from shieldproxy.guard.decisions import Decision, Outcome
from shieldproxy.guard.recording import Draft, challenge_word
from shieldproxy.guard.visits import Peer, visit
from tests.fakes.buckets import DictBuckets
from tests.scenes import BROWSER, facts, limit, overdrawn, request, visitor

LABEL = NetworkLabel(64500, "Example", "NL", "hosting")
PEER = Peer("192.0.2.1", 40_000, "198.51.100.80", 443, "TLSv1.3", "t13d1516h2_8daaf6152771_b0da82dd1658")
THROTTLED = Verdict(Action.THROTTLE, "over_own_limit", "client", 1.23456, 429, ("more than 10 requests a second",), 30)
ENDED = 1_795_515_300.25


def draft(
    verdict: Verdict = THROTTLED,
    outcome: Outcome = Outcome(429, 310, 900, 152),  # noqa: B008 - a value
    asked: Request | None = None,
    **more: Any,
) -> Draft:
    """Return the draft of one exchange."""
    who = visitor("192.0.2.1", LABEL)
    given = facts(visitor=who, request=asked or request("/search", query="q=a"), readings=(overdrawn(limit()),))
    decision = Decision("id-1", PEER, visit(Policy(), who, DictBuckets(), 0), given, verdict, True, policy="abc")
    return Draft(decision._replace(**more), outcome, ENDED, "edge-0", "asn:2026-06-17/country:2026-06-25")


def test_a_record_tells_who_asked_for_what_and_what_was_done() -> None:
    """Every field that has something to say, and the versions it rests on."""
    assert draft().record() == Record(
        ts="2026-11-24T10:15:00.250000Z",
        id="id-1",
        node="edge-0",
        src_ip="192.0.2.1",
        src_port=40_000,
        dst_ip="198.51.100.80",
        dst_port=443,
        client="192.0.2.1",
        asn=64500,
        as_name="Example",
        country="NL",
        network_class="hosting",
        method="GET",
        host="example.org",
        path="/search",
        query="q=a",
        http="1.1",
        tls="TLSv1.3",
        ja4="t13d1516h2_8daaf6152771_b0da82dd1658",
        user_agent=BROWSER[b"user-agent"].decode(),
        action="throttle",
        stage="over_own_limit",
        rule="client",
        reasons=("more than 10 requests a second",),
        suspicion=30,
        retry_after=1.235,
        status=429,
        bytes_in=310,
        bytes_out=900,
        duration_us=152,
        policy="abc",
        geo="asn:2026-06-17/country:2026-06-25",
        buckets=(("client", -1.0),),
    )


def test_secrets_and_bodies_have_no_place() -> None:
    """Neither a cookie nor a password a client sends is found anywhere in its record."""
    headers = {**BROWSER, b"cookie": b"session=s3cret", b"authorization": b"Basic s3cret"}
    found = draft(asked=request("/", headers)).record()
    assert "s3cret" not in str(found)


def test_long_values_are_cut() -> None:
    """A flood of long ones must not fill the disk: the beginning says what there is to say."""
    long = {b"user-agent": b"a" * 9_000, b"referer": b"b" * 9_000}
    found = draft(asked=request("/" + "c" * 9_000, long, query="d" * 9_000)).record()
    lengths = [len(text) for text in (found.user_agent, found.referer, found.path, found.query)]
    assert lengths == [MAX_TEXT, MAX_TEXT, MAX_TEXT, MAX_QUERY]


def test_bytes_that_are_no_text_are_kept() -> None:
    """What stood on the wire can be told from the record, byte by byte."""
    found = draft(asked=request("/", {b"user-agent": b"\xff\xfe"})).record()
    assert found.user_agent.encode("latin-1") == b"\xff\xfe"


def test_the_port_of_a_forwarder_is_not_the_clients() -> None:
    """Evidence with the balancer's port would name a stranger."""
    elsewhere = PEER._replace(src_ip="198.51.100.7")
    assert draft(peer=elsewhere).record().src_port == 0


def test_whose_error_it_was_is_told() -> None:
    """An origin that failed is not a client that did."""
    assert draft(outcome=Outcome(502, side=Side.ORIGIN)).record().side == "origin"


CHALLENGE = Verdict(Action.CHALLENGE, "suspicious", "odd", 0.0, 503)
WORDS = [
    # verdict, outcome's word, enforced, own: the word of the record
    (CHALLENGE, "", True, False, "issued"),
    (CHALLENGE, "", False, False, ""),
    (CHALLENGE, "", True, True, ""),
    (THROTTLED, "", True, False, ""),
    (Verdict(Action.ADMIT, "admit"), "passed", True, True, "passed"),
    (Verdict(Action.ADMIT, "admit"), "expired", False, True, "expired"),
]


@pytest.mark.parametrize(("verdict", "outcome", "enforced", "own", "word"), WORDS)
def test_what_happened_to_a_challenge_is_a_word(
    verdict: Verdict,
    outcome: str,
    enforced: bool,  # noqa: FBT001 - a column of the table
    own: bool,  # noqa: FBT001
    word: str,
) -> None:
    """Issued where a visitor saw one, its outcome where one was answered, else nothing."""
    found = draft(verdict, Outcome(200, challenge=outcome), enforced=enforced, own=own)
    assert challenge_word(found.decision, found.outcome) == word
    assert found.record().challenge == word


VERDICTS = [THROTTLED, CHALLENGE, Verdict(Action.ADMIT, "admit"), Verdict(Action.DROP, "banned", "bans")]


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("enforced", [True, False])
def test_a_draft_is_summed_as_its_record_would_be(verdict: Verdict, enforced: bool) -> None:  # noqa: FBT001
    """A flood is summed before records are made; the sums are those of the records."""
    found = draft(verdict, enforced=enforced)
    assert found.alike() == found.record().alike()
    assert found.weight == found.record().weight
