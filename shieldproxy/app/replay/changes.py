"""Changes: what another configuration does differently, counted by whom it meets, in bounded memory."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from shieldproxy.app.replay.callers import PEOPLE, place_of
from shieldproxy.core.verdict import Action

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shieldproxy.app.replay.blocks import Block
    from shieldproxy.app.replay.callers import Caller, Session

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
GOOD = ("people", "robots")
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
        self._by: dict[str, dict[str, dict[str, int]]] = {dimension: {} for dimension in DIMENSIONS}

    def compare(
        self,
        block: Block,
        callers: Sequence[Caller],
        before: bytes | bytearray,
        after: bytes | bytearray,
        rules: Sequence[str],
    ) -> None:
        """Count a block: what was done with each request, what would be, and the limit or rule that would do it."""
        for action in Action:
            self.before[action] += before.count(action)
            self.after[action] += after.count(action)
        if before == after:
            return
        rows = [row for row in zip(before, after, block.who, block.what, rules, strict=True) if row[0] != row[1]]
        kinds = {(was, would): kind_of_change(Action(was), Action(would)) for was, would in {row[:2] for row in rows}}
        whose = ["people" if one.session.person else "robots" if one.session.robot else "" for one in callers]
        # Six ways of looking at it, five of them by who asks: so each caller is looked up once.
        for (was, would, who), times in Counter([row[:3] for row in rows]).items():
            self._by_caller(callers[who], kinds[was, would], whose[who], times)
        asked = Counter([(row[0], row[1], row[3], whose[row[2]]) for row in rows])
        for (was, would, what, who_asked), times in asked.items():
            self._add("path", place_of(block.asks[what].path), kinds[was, would], who_asked, times)
        for (was, would, rule), times in Counter([(row[0], row[1], row[4]) for row in rows]).items():
            self.rules[kinds[was, would], rule] += times

    def _by_caller(self, caller: Caller, kind: str, whose: str, times: int) -> None:
        self.requests[kind] += times
        caller.session.kinds |= BIT[kind]
        visitor = caller.visitor
        label = visitor.label
        self._add("address", visitor.client, kind, whose, times)
        self._add("network", visitor.network, kind, whose, times)
        self._add("asn", f"AS{label.asn} {label.as_name}".strip() if label.asn else UNKNOWN, kind, whose, times)
        self._add("country", label.country or UNKNOWN, kind, whose, times)
        self._add("class", label.network_class, kind, whose, times)

    def _add(self, dimension: str, key: str, kind: str, whose: str, times: int) -> None:
        table = self._by[dimension]
        counts = table.get(key)
        if counts is None:
            told_apart = key if len(table) < MOST_KEYS else OTHERS
            counts = table.setdefault(told_apart, dict.fromkeys((*KINDS, *GOOD), 0))
        counts[kind] += times
        if whose:
            counts[whose] += times

    def heaviest(self, dimension: str, count: int) -> list[dict[str, Any]]:
        """Return the ``count`` keys of a dimension that most changes for, the most first.

        ``people`` and ``robots`` are how many of these requests came from people and from good robots.
        """
        ranked = sorted(self._by[dimension].items(), key=lambda item: (-sum(item[1][kind] for kind in KINDS), item[0]))
        return [{"key": key, **counts} for key, counts in ranked[:count]]

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


def kind_of_change(before: Action, after: Action) -> str:
    """Return what changes for a request, two different actions given."""
    return WORSE[after] if after > before else EASED[after is Action.ADMIT]


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
