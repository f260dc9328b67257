"""Courses: what the gatherer asked of buckets, bans and marks for one kind of request, noted once and walked again.

The gatherer's way through a request depends on the policy, on what the request looks like to it (app.replay.sight), and
on what tables answer. The first request of a kind goes through gatherer and judge; each answer is noted by what it
means for the way: overdrawn or not, banned or not, marked or not. The next request of that kind asks the tables the
same in the same order; where it leads to the same end the verdict is the same, and where it turns off it goes through
gatherer and judge with the answers it already has. So nothing of the guard is written a second time.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

from shieldproxy.core.facts import Tightening

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shieldproxy.core.facts import Facts, Posture
    from shieldproxy.core.ladder import Ban
    from shieldproxy.core.ports import Bans, Buckets, Situation
    from shieldproxy.core.verdict import Verdict


class Asked(IntEnum):
    """What is asked: a bucket of the visit, one that the request names, bans, or marks."""

    BUCKET = 0
    NAMED = 1
    BANS = 2
    MARKS = 3


class Step:
    """One question, and where each kind of answer leads; None: nobody went there yet.

    ``over``: overdrawn, or banned; ``within``: not; ``full``: a bucket that nothing was taken from.
    """

    __slots__ = ("client", "full", "interval", "kind", "marks", "over", "place", "span", "within")

    def __init__(self, kind: Asked, place: int, interval: float, span: float, client: int = 0) -> None:
        self.kind = kind
        self.place = place
        self.client = client
        self.interval = interval
        self.span = span
        self.over: Way = None
        self.within: Way = None
        self.full: Way = None
        self.marks: dict[Tightening, Way] = {}

    def after(self, answer: Any) -> Way:
        """Return where ``answer`` leads."""
        if self.kind is Asked.MARKS:
            return self.marks.get(answer)
        way: Way = getattr(self, self.turn(answer))
        return way

    def lead(self, answer: Any, way: Way) -> None:
        """Let ``answer`` lead to ``way`` from now on."""
        if self.kind is Asked.MARKS:
            self.marks[answer] = way
        else:
            setattr(self, self.turn(answer), way)

    def turn(self, answer: Any) -> str:
        """Return which way ``answer`` goes."""
        if self.kind is Asked.BANS:
            return "within" if answer is None else "over"
        if answer < 0.0:
            return "over"
        return "full" if answer >= self.span else "within"

    def asks(self, other: Step) -> bool:
        """Tell whether both ask the same."""
        mine = (self.kind, self.place, self.interval, self.span, self.client)
        return mine == (other.kind, other.place, other.interval, other.span, other.client)


class End:
    """Where a course ends: the verdict and the facts of the first that came there.

    ``clear`` is False where the levels of several overdrawn buckets decide, or a stage raised: then the judge is asked
    each time. ``deed`` is what the detector counts, 0 for nothing; ``code`` numbers what did it.
    """

    __slots__ = ("action", "clear", "code", "deed", "facts", "verdict")

    def __init__(self, facts: Facts, verdict: Verdict, *, deed: int, code: int, faulty: bool) -> None:
        self.facts = facts
        self.verdict = verdict
        self.action = int(verdict.action)
        self.deed = deed
        self.code = code
        over = [reading.limit.scope.collective for reading in facts.readings if reading.slack < 0.0]
        self.clear = not faulty and len(over) == len(set(over))


Way = Step | End | None


class Tables:
    """Buckets, bans and situation in one, as the gatherer asks them: answers those known already, notes all.

    Slots are places in ``slots`` of the one who asks, from 1; buckets that the request names have numbers below 0,
    from -1 on in the order of ``names``.
    """

    def __init__(self, buckets: Buckets, bans: Bans, situation: Situation, names: Sequence[str]) -> None:
        self._buckets = buckets
        self._bans = bans
        self._situation = situation
        self._named = {name: -number for number, name in enumerate(names, start=1)}
        self._keys: dict[int, int] = {}
        self._slots: Sequence[int] = ()
        self.answers: list[Any] = []
        self.steps: list[Step] = []

    def begin(self, slots: Sequence[int], answers: list[Any]) -> None:
        """Begin for one whose buckets are ``slots``; the first questions have the ``answers`` they had."""
        self._slots = slots
        self.answers = answers
        self.steps = []

    @property
    def saturated(self) -> bool:
        """As the table says; a course is for one answer to this."""
        return self._buckets.saturated

    @property
    def posture(self) -> Posture:
        """As the detector says; a course is for one answer to this."""
        return self._situation.posture

    def slot(self, limit: str, key: str) -> int:
        """Return the number of a bucket that the request names; 0 for a mark, for none is set here by that name."""
        number = self._named.get(limit, 0)
        if number:
            self._keys[number] = self._buckets.slot(limit, key)
        return number

    def cohort(self, traits: tuple[int, ...], now: float) -> int:  # noqa: ARG002 - the port's signature
        """Say that no trait is that of a cohort: a replay looks for none, as logs hold too little of a request."""
        return -1

    def spares(self, path: int, now: float) -> bool:  # noqa: ARG002
        """Say that every path may be part of the excess."""
        return False

    def usual(self, network: int) -> float:  # noqa: ARG002
        """Say that nothing is known: a limit sized by what a network usually asks for is replayed with its floor."""
        return 0.0

    def charge(self, slot: int, interval: float, span: float, now: float) -> float:
        """Charge the bucket in that place, once."""
        kind = Asked.BUCKET if slot > 0 else Asked.NAMED
        step = Step(kind, slot, interval, span)
        return self._ask(step, lambda: self._charge(slot, interval, span, now))  # type: ignore[no-any-return]

    def _charge(self, slot: int, interval: float, span: float, now: float) -> float:
        return self._buckets.charge(self._slots[slot] if slot > 0 else self._keys[slot], interval, span, now)

    def find(self, client: str, address: str, now: float) -> Ban | None:
        """Ask for a ban."""
        step = Step(Asked.BANS, 0, 0.0, 0.0)
        return self._ask(step, lambda: self._bans.find(client, address, now))  # type: ignore[no-any-return]

    def tightening(self, network: int, client: int, now: float) -> Tightening:
        """Ask whether the network in that place is marked, or the client in the other sampled."""
        step = Step(Asked.MARKS, network, 0.0, 0.0, client)
        slots = self._slots
        return self._ask(step, lambda: self._situation.tightening(slots[network], slots[client], now))  # type: ignore[no-any-return]

    def impose(self, *_: Any) -> Ban:
        """Never called: a gatherer bans nobody."""
        raise NotImplementedError

    def _ask(self, step: Step, ask: Callable[[], Any]) -> Any:
        number = len(self.steps)
        self.steps.append(step)
        if number == len(self.answers):
            self.answers.append(ask())
        return self.answers[number]


def grown(root: Way, steps: Sequence[Step], answers: Sequence[Any], end: End) -> Way:
    """Return the course that begins at ``root`` with the way to ``end`` in it.

    Raises RuntimeError when another question is asked after the same answers: then the guard looks at something that
    sight does not know of, and no replay of this kind would be right.
    """
    if not steps:
        return end
    if root is None:
        root = steps[0]
    at: Way = root
    for number, (step, answer) in enumerate(zip(steps, answers, strict=True)):
        if not isinstance(at, Step) or not at.asks(step):
            raise RuntimeError("requests that look the same to the policy are judged in different ways")
        following: Way = end if number + 1 == len(steps) else at.after(answer) or steps[number + 1]
        at.lead(answer, following)
        at = following
    return root
