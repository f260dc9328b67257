"""Wording: lines put together from pieces, to the byte what their records make."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.facts import Facts, Request
from shieldproxy.core.policy import Policy
from shieldproxy.core.verdict import Action, Side, Verdict
from shieldproxy.guard.decisions import Decision, Outcome
from shieldproxy.guard.recording import Draft
from shieldproxy.guard.visits import Peer, visit
from shieldproxy.guard.wording import MEMORY, Wording
from shieldproxy.journal.encoding import Encoder
from tests.fakes.buckets import DictBuckets
from tests.scenes import facts, limit, overdrawn, request
from tests.strategies import facts as any_facts
from tests.strategies import json_text, words

PEERS = [Peer("192.0.2.1", 40_000, "198.51.100.80", 443, "TLSv1.3", "t13d"), Peer("2001:db8::1")]
# Heads by their number: equal numbers, equal headers.
HEADS = [
    ("GET", "example.org", "1.1", {b"user-agent": b'A\xe4"\\', b"referer": b"/\x01"}, "aa"),
    ("GET", "example.net", "1.1", {b"cookie": b"secret"}, "bb"),
]
VERDICTS = [
    Verdict(Action.ADMIT, "admit"),
    Verdict(Action.ADMIT, "admit", suspicion=30),
    Verdict(Action.CHALLENGE, "tightened", "", 0.0, 503, ("too much", 'a "word"')),
    Verdict(Action.THROTTLE, "over_own_limit", "client", 1.5, 429),
]


def draft_of(given_facts: Facts, wording: Wording | None, verdict: Verdict = VERDICTS[0], **more: object) -> Draft:
    """Return the draft of an exchange that went well."""
    who = visit(Policy(), given_facts.visitor, DictBuckets(), 0)
    decision = Decision("6743a1b2.0.01f3a77", PEERS[0], who, given_facts, verdict, True, policy="abc")
    return Draft(decision._replace(**more), Outcome(200, 0, 900, 152), 1_795_515_300.25, "edge-0", "g", "", wording)  # type: ignore[arg-type]


def asked(number: int, path: str, query: str) -> Request:
    """Return a request with the headers that are known by ``number``; 0: not known."""
    method, host, version, headers, fingerprint = HEADS[number - 1]
    return Request(method, host, path, query, version, headers, fingerprint, path, number)


@st.composite
def drafts(draw: st.DrawFn, wording: Wording) -> Draft:
    """Any exchange whose text is Unicode, of a few peers, heads and verdicts that come again and again."""
    target = asked(draw(st.integers(0, len(HEADS))), draw(json_text), draw(json_text))
    seen = draw(any_facts)._replace(request=target)
    decision = Decision(
        draw(json_text),
        draw(st.sampled_from(PEERS)),
        visit(Policy(), seen.visitor, DictBuckets(), 0),
        seen,
        draw(st.sampled_from(VERDICTS)),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.sampled_from(("abc", "def"))),
    )
    outcome = Outcome(
        draw(st.integers(0, 599)), 0, draw(st.integers(0, 1 << 50)), draw(st.integers(0, 1 << 40)),
        draw(st.sampled_from(Side)), draw(st.sampled_from(("", "passed"))),
    )  # fmt: skip
    ended = draw(st.floats(0.0, 4e9))
    return Draft(decision, outcome, ended, draw(words), draw(words), draw(st.sampled_from(("", "E-1"))), wording)


@given(st.data())
def test_every_line_is_what_its_record_makes(data: st.DataObject) -> None:
    """For any sequence of exchanges, remembered pieces or none: the bytes are those of the encoder, ts and all."""
    wording, encoder = Wording(), Encoder()
    for seq in range(data.draw(st.integers(1, 6))):
        draft = data.draw(drafts(wording))
        made = draft.line(seq, seq % 2)
        record = draft.record()
        try:
            expected = encoder.line(record, seq, seq % 2)
        except ValueError:
            assert made is None
            continue
        assert made in (None, (record.ts, expected))


def test_the_second_line_is_put_together_from_pieces() -> None:
    """What was written once is not made again: neither the record nor the encoder is asked."""
    wording = Wording()
    first = draft_of(facts(request=asked(1, "/", "")), wording)
    second = draft_of(facts(request=asked(1, "/a", "b=c"), readings=(overdrawn(limit()),)), wording, id="other")
    for draft in (first, second):
        assert draft.line(7, 0) == (draft.record().ts, Encoder().line(draft.record(), 7, 0))
    assert len(wording._senders) == len(wording._heads) == 1


def test_a_challenge_before_it_is_not_told_of_who_was_admitted() -> None:
    """What became of a challenge belongs to the verdict: a crowd's records must not say that all were challenged."""
    wording = Wording()
    known = facts(request=asked(1, "/", ""))
    for verdict, enforced in ((VERDICTS[2], True), (VERDICTS[0], True), (VERDICTS[2], False), (VERDICTS[2], True)):
        draft = draft_of(known, wording, verdict, enforced=enforced)
        assert draft.line(7, 0) == (draft.record().ts, Encoder().line(draft.record(), 7, 0))


def test_where_little_is_shared_the_record_is_made() -> None:
    """Headers that were not met before, a wait, a failure, an answered challenge, or no memory at all."""
    wording = Wording()
    known = facts(request=asked(1, "/", ""))
    assert draft_of(facts(request=request("/")), wording).line(1, 0) is None
    assert draft_of(known, wording, VERDICTS[3]).line(1, 0) is None
    assert draft_of(known, wording)._replace(outcome=Outcome(502, side=Side.ORIGIN)).line(1, 0) is None
    assert draft_of(known, wording)._replace(outcome=Outcome(303, challenge="passed")).line(1, 0) is None
    assert draft_of(known, None).line(1, 0) is None


def test_the_memory_of_pieces_is_bounded() -> None:
    """A flood of clients turns it over; it never grows beyond its size."""
    wording = Wording()
    for number in range(MEMORY + 5):
        draft_of(facts(request=asked(1, "/", "")), wording, peer=PEERS[0]._replace(src_port=number)).line(1, 0)
    assert len(wording._senders) <= MEMORY
