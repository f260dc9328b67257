"""Recording: a decision and its outcome become one line of the journal."""

from __future__ import annotations

from typing import NamedTuple

from shieldproxy.core.record import MAX_QUERY, MAX_TEXT, Record, rfc3339
from shieldproxy.core.verdict import Action
from shieldproxy.guard.decisions import Decision, Outcome
from shieldproxy.guard.wording import Wording


class Draft(NamedTuple):
    """A record in the making: what a request was and how it ended, kept as it is until the journal writes it.

    ``ended`` is unix seconds, ``episode`` the ID of the one that was open then. In a flood most drafts are summed and
    the rest of them is never made. ``wording`` knows pieces of lines that were written before; None: none are known.
    """

    decision: Decision
    outcome: Outcome
    ended: float
    node: str
    geo: str
    episode: str = ""
    wording: Wording | None = None

    @property
    def weight(self) -> int:
        """Each stands for one request."""
        return 1

    def alike(self) -> tuple[object, ...] | None:
        """Return what ``Record.alike`` would say of the record, at a tenth of the cost of making it."""
        decision = self.decision
        verdict = decision.verdict
        if verdict.action is Action.ADMIT:
            return None
        facts = decision.facts
        return (
            facts.visitor.client,
            verdict.action.word,
            verdict.stage,
            verdict.rule,
            decision.enforced,
            challenge_word(decision, self.outcome),
            facts.request.host,
            self.episode,
        )

    def line(self, seq: int, lost_before: int) -> tuple[str, bytes] | None:
        """Return its ``ts`` and its line as the encoder would write it, or None: then the record has to be made."""
        return None if self.wording is None else self.wording.line(self, seq, lost_before)

    def record(self) -> Record:
        """Return the finished record."""
        return record_of(self)


def challenge_word(decision: Decision, outcome: Outcome) -> str:
    """Return what happened to a challenge in this exchange: its outcome, ``issued``, or ''."""
    if outcome.challenge or not decision.enforced:
        return outcome.challenge
    return "issued" if decision.verdict.action is Action.CHALLENGE and not decision.own else ""


def record_of(draft: Draft) -> Record:
    """Return the record of one exchange."""
    decision, outcome = draft.decision, draft.outcome
    facts, verdict, peer = decision.facts, decision.verdict, decision.peer
    request, visitor = facts.request, facts.visitor
    label = visitor.label
    headers = request.headers
    return Record(
        ts=rfc3339(draft.ended),
        id=decision.id,
        node=draft.node,
        src_ip=visitor.address,
        src_port=peer.src_port if peer.src_ip == visitor.address else 0,
        dst_ip=peer.dst_ip,
        dst_port=peer.dst_port,
        client=visitor.client,
        asn=label.asn,
        as_name=label.as_name,
        country=label.country,
        network_class=label.network_class,
        method=request.method,
        host=request.host,
        path=request.path[:MAX_TEXT],
        query=request.query[:MAX_QUERY],
        http=request.version,
        tls=peer.tls,
        ja4=peer.ja4,
        user_agent=headers.get(b"user-agent", b"")[:MAX_TEXT].decode("latin-1"),
        referer=headers.get(b"referer", b"")[:MAX_TEXT].decode("latin-1"),
        fingerprint=request.fingerprint,
        action=verdict.action.word,
        enforced=decision.enforced,
        stage=verdict.stage,
        rule=verdict.rule,
        reasons=verdict.reasons,
        suspicion=verdict.suspicion,
        retry_after=round(verdict.wait, 3),
        status=outcome.status,
        bytes_in=outcome.bytes_in,
        bytes_out=outcome.bytes_out,
        duration_us=outcome.duration_us,
        side=outcome.side.value,
        challenge=challenge_word(decision, outcome),
        posture=facts.posture.value,
        episode=draft.episode,
        policy=decision.policy,
        geo=draft.geo,
        buckets=tuple([(limit.name, round(slack, 3)) for limit, slack in facts.readings]),
    )
