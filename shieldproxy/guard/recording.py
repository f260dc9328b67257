"""Recording: a decision and its outcome become one line of the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shieldproxy.core.record import Record, rfc3339

if TYPE_CHECKING:
    from shieldproxy.guard.decisions import Decision, Outcome

# Longer values say nothing more about a decision, and a flood of long ones would fill the disk.
MAX_TEXT = 512
MAX_QUERY = 1_024


def record_of(  # noqa: PLR0913 - what a worker adds to a decision
    decision: Decision, outcome: Outcome, *, ended: float, node: str, policy: str, geo: str
) -> Record:
    """Return the record of one exchange. ``ended`` is unix seconds."""
    facts, verdict, peer = decision.facts, decision.verdict, decision.peer
    request, visitor = facts.request, facts.visitor
    label = visitor.label
    headers = request.headers
    return Record(
        ts=rfc3339(ended),
        id=decision.id,
        node=node,
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
        challenge=outcome.challenge,
        posture=facts.posture.value,
        policy=policy,
        geo=geo,
        buckets=tuple([(limit.name, round(slack, 3)) for limit, slack in facts.readings]),
    )
