"""Changes: what another configuration does differently, counted by whom it meets, in bounded memory."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from shieldproxy.app.replay.callers import PEOPLE, place_of
from shieldproxy.core.verdict import Action

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shieldproxy.app.replay.callers import Caller, Session
    from shieldproxy.journal.foreign import Logged

# What can change for a request, the worst last; the place of each is its bit in a session.
KINDS = ("released", "eased", "challenged", "throttled", "refused", "banned")
WORSE = {
    Action.CHALLENGE: "challenged",
    Action.THROTTLE: "throttled",
    Action.REFUSE: "refused",
    Action.DROP: "banned",
}
EASED = ("eased", "released")
HARMFUL = KINDS[2:]
BIT = {kind: 1 << place for place, kind in enumerate(KINDS)}
DIMENSIONS = ("address", "network", "asn", "country", "class", "path")
# Keys of one dimension that are told apart, as a flood brings any number of them; the others are counted as one.
MOST_KEYS = 200_000
OTHERS = "others"
UNKNOWN = "unknown"


class Changes:
    """Counts what changes."""

    def __init__(self) -> None:
        self.before: Counter[Action] = Counter()
        self.after: Counter[Action] = Counter()
        self.requests: Counter[str] = Counter()
        self.rules: Counter[tuple[str, str]] = Counter()
        self._by: dict[str, dict[str, Counter[str]]] = {dimension: {} for dimension in DIMENSIONS}

    def count(self, caller: Caller, logged: Logged, before: Action, after: Action, rule: str) -> None:
        """Count one request: what was done with it, what would be, and the limit or rule that would do it."""
        self.before[before] += 1
        self.after[after] += 1
        if before is after:
            return
        kind = WORSE[after] if after > before else EASED[after is Action.ADMIT]
        self.requests[kind] += 1
        self.rules[kind, rule] += 1
        caller.session.kinds |= BIT[kind]
        visitor = caller.visitor
        label = visitor.label
        keys = (
            visitor.client,
            visitor.network,
            f"AS{label.asn} {label.as_name}".strip() if label.asn else UNKNOWN,
            label.country or UNKNOWN,
            label.network_class,
            place_of(logged.path),
        )
        for dimension, key in zip(DIMENSIONS, keys, strict=True):
            table = self._by[dimension]
            told_apart = key if key in table or len(table) < MOST_KEYS else OTHERS
            table.setdefault(told_apart, Counter())[kind] += 1

    def heaviest(self, dimension: str, count: int) -> list[dict[str, Any]]:
        """Return the ``count`` keys of a dimension that most changes for, the most first."""
        ranked = sorted(self._by[dimension].items(), key=lambda item: (-item[1].total(), item[0]))
        return [{"key": key, **{kind: counts[kind] for kind in KINDS}} for key, counts in ranked[:count]]

    def causes(self) -> list[dict[str, Any]]:
        """Return which limits and rules do it, the most first."""
        ranked = sorted(self.rules.items(), key=lambda item: (-item[1], item[0]))
        return [{"kind": kind, "rule": rule, "requests": count} for (kind, rule), count in ranked]

    def by_kind(self, sessions: Iterable[Session]) -> list[dict[str, Any]]:
        """Return for each kind its requests, and the sessions, people and good robots it meets."""
        seen = [session for session in sessions if session.kinds]
        rows = []
        for kind in KINDS:
            met = [session for session in seen if session.kinds & BIT[kind]]
            rows.append(
                {
                    "kind": kind,
                    "requests": self.requests[kind],
                    "sessions": len(met),
                    "people": sum(session.person for session in met),
                    "robots": sum(session.robot for session in met),
                }
            )
        return rows


def hurt(sessions: Iterable[Session]) -> dict[str, Any]:
    """Return how many people and good robots there are, and for how many of them something gets worse."""
    mask = sum(BIT[kind] for kind in HARMFUL)
    good = [session for session in sessions if session.robot or session.person]
    worse = [session for session in good if session.kinds & mask]
    return {
        "people": sum(session.person for session in good),
        "robots": sum(session.robot for session in good),
        "people_hurt": sum(session.person for session in worse),
        "robots_hurt": sum(session.robot for session in worse),
        "share": len(worse) / len(good) if good else 0.0,
        "definition": f"{PEOPLE}; hurt is a person or a verified robot of which at least one request would newly be "
        "challenged, throttled, refused or banned",
    }
