"""Wording: a draft as its line of the journal, the pieces that many lines share written once.

A visitor's requests have the same address, network and headers, a site's the same policy; what differs from line to
line is a path and a few numbers. Pieces are cut from finished records, so the one place that says what stands in a
record stays the only one; the test holds every line to the bytes that the record itself makes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from shieldproxy.core.record import MAX_QUERY, MAX_TEXT, VERSION, Record, rfc3339
from shieldproxy.core.verdict import Side

if TYPE_CHECKING:
    from collections.abc import Hashable

    from shieldproxy.guard.recording import Draft

    Pieces = tuple[bytes, bytes, bytes, bytes, bytes]

# Pieces of each kind that are remembered, some 300 bytes each; a flood turns them over and pays for whole records.
MEMORY = 4_096
FIELDS = Record._fields


def _span(first: str, last: str) -> slice:
    return slice(FIELDS.index(first), FIELDS.index(last) + 1)


SENDER = _span("node", "network_class")
ASKED = _span("method", "host")
SAID = _span("http", "fingerprint")
DECIDED = _span("action", "retry_after")
CIRCUMSTANCES = _span("side", "geo")

LINE = (
    b'{"v":%d,"seq":%d,"ts":"%b","id":%b,%b,%b,"path":%b,"query":%b,%b,%b,"status":%d,"bytes_in":%d,"bytes_out":%d,'
    b'"duration_us":%d,%b,"weight":1,"buckets":%b,"lost_before":%d}'
)


class Wording:
    """The pieces of one worker. Only the thread that writes the journal asks for lines."""

    __slots__ = ("_circumstances", "_decided", "_heads", "_senders")

    def __init__(self) -> None:
        self._senders: dict[Hashable, bytes] = {}
        self._heads: dict[Hashable, tuple[bytes, bytes]] = {}
        self._decided: dict[Hashable, bytes] = {}
        self._circumstances: dict[Hashable, bytes] = {}

    def line(self, draft: Draft, seq: int, lost_before: int) -> tuple[str, bytes] | None:
        """Return the ``ts`` and the line of ``draft``, its newline left off; None where the record has to be made.

        That is where little of it is shared: headers that were not met before, a wait, a failure.
        """
        decision, outcome = draft.decision, draft.outcome
        status, bytes_in, bytes_out, duration, side, challenge = outcome
        request_id, peer, _, facts, verdict, enforced, _, policy = decision
        request = facts.request
        known = request.known
        if not known or verdict.wait or side is not Side.NONE or challenge:
            return None
        whose, said, decided = (peer, facts.visitor), (known, peer.tls, peer.ja4), (verdict, enforced)
        # The action and whether it was enforced say what became of a challenge, which stands among the circumstances.
        done = verdict.action, enforced
        around = (facts.posture, draft.episode, policy, draft.geo, draft.node, decision.own, done)
        try:
            pieces = self._senders[whose], *self._heads[said], self._decided[decided], self._circumstances[around]
        except KeyError:
            pieces = self._cut(draft.record(), whose, said, decided, around)
        sender, asked, spoken, verdict_said, circumstances = pieces
        ts = rfc3339(draft.ended)
        return ts, LINE % (
            VERSION,
            seq,
            ts.encode(),
            orjson.dumps(request_id),
            sender,
            asked,
            orjson.dumps(request.path[:MAX_TEXT]),
            orjson.dumps(request.query[:MAX_QUERY]),
            spoken,
            verdict_said,
            status,
            bytes_in,
            bytes_out,
            duration,
            circumstances,
            orjson.dumps({limit.name: round(slack, 3) for limit, slack in facts.readings}),
            lost_before,
        )

    def _cut(self, record: Record, whose: Hashable, said: Hashable, decided: Hashable, around: Hashable) -> Pieces:
        """Cut the pieces out of a finished record and remember them."""
        sender, verdict = _piece(record, SENDER), _piece(record, DECIDED)
        head = _piece(record, ASKED), _piece(record, SAID)
        circumstances = _piece(record, CIRCUMSTANCES)
        _remember(self._senders, whose, sender)
        _remember(self._heads, said, head)
        _remember(self._decided, decided, verdict)
        _remember(self._circumstances, around, circumstances)
        return sender, *head, verdict, circumstances


def _remember(memory: dict[Hashable, Any], key: Hashable, piece: object) -> None:
    if len(memory) >= MEMORY:
        memory.clear()
    memory[key] = piece


def _piece(record: Record, span: slice) -> bytes:
    """Return the fields of ``span`` as they stand in the record's line, without the braces."""
    values: tuple[Any, ...] = record
    return orjson.dumps(dict(zip(FIELDS[span], values[span], strict=True)))[1:-1]
