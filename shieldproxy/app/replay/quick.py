"""The quick lane: judges blocks of requests as a lane judges single ones, asking gatherer and judge for what is new.

See app.replay.courses for how, and tests/app/replay/test_quick.py for the proof that both say the same.
"""

from __future__ import annotations

from array import array
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from shieldproxy.app.replay.blocks import NUMBER
from shieldproxy.app.replay.callers import MOST_CALLERS, place_of
from shieldproxy.app.replay.courses import Asked, End, Step, Tables, Way, grown
from shieldproxy.app.replay.detecting import counts, noted
from shieldproxy.app.replay.lane import NOBODY, UNREADABLE, HeldClearances, Lane
from shieldproxy.app.replay.sight import Sight
from shieldproxy.core.facts import Crawler, Request
from shieldproxy.guard.crowd import deed_of
from shieldproxy.guard.decisions import Decision
from shieldproxy.guard.gathering import MAX_AGENT, Gatherer, request_key
from shieldproxy.guard.visits import Visit, visit
from shieldproxy.state.situation import POSTURES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shieldproxy.app.replay.blocks import Ask, Block
    from shieldproxy.app.replay.callers import Caller
    from shieldproxy.core.facts import Visitor
    from shieldproxy.core.ladder import Ban
    from shieldproxy.core.ports import Buckets
    from shieldproxy.core.verdict import Verdict

# Kinds of requests whose courses are remembered; beyond it all are learned anew.
MOST_COURSES = 50_000

# Groups of visitors: as many as there are sets of limits and rules that a network can meet.
MOST_GROUPS = 1_024
STANDING_BITS = 4
NAMELESS = Request("", "", "/", "", "", {})

# Roots of courses, by the look of the place and how the site stands.
Manner = dict[int, Way]


class Group(NamedTuple):
    """Visitors whom the policy treats alike: a number, and their visit with places in a list instead of slots."""

    number: int
    pattern: Visit


class Guest:
    """A caller as this lane knows it: its visit, its slots in the order in which they were named, its manners."""

    __slots__ = (
        *("caller", "cleared", "client", "decision", "end", "group"),
        *("network", "passes", "plain", "session", "slots", "visit"),
    )

    def __init__(self, caller: Caller, known: Visit, slots: Sequence[int], group: Group) -> None:
        self.caller = caller
        self.client = caller.visitor.client
        self.network = noted(caller.visitor.label.asn, 0)
        self.session = caller.session
        self.passes = caller.session.passes
        self.visit = known
        # The last decision that was not to admit, and the end of the course it stands for: a flood goes on alike.
        self.end: End | None = None
        self.decision: Decision
        self.slots = slots
        self.group = group
        self.plain: Manner | None = None
        self.cleared: Manner | None = None


class Places:
    """Gives out places in a list where a table gives out slots, from 1; notes the slots of ``table``, when given."""

    saturated = False

    def __init__(self, table: Buckets | None = None) -> None:
        self.slots: list[int] = [0]
        self._table = table

    def slot(self, limit: str, key: str) -> int:
        """Return a new place, or the slot noted there."""
        found = 0 if self._table is None else self._table.slot(limit, key)
        self.slots.append(found)
        return found or len(self.slots) - 1

    def charge(self, slot: int, interval: float, span: float, now: float) -> float:
        """Never called: nobody asks for anything yet."""
        raise NotImplementedError


class QuickLane(Lane):
    """A lane for blocks. ``words`` are limits, rules and stages by the numbers that ``judge_block`` returns."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.words: list[str] = []
        self._word_numbers: dict[str, int] = {}
        self._sight = Sight(self.policy, self._own_path)
        self._limits = {-number: limit for number, limit in enumerate(self.policy.limits, start=1)}
        self._named = lru_cache(MOST_CALLERS)(self._buckets.slot)
        names = [limit.name for limit in self.policy.limits]
        self._tables = Tables(self._buckets, self._bans, self.detector.situation, names)
        self._recorded = Gatherer(
            buckets=self._tables,
            bans=self._tables,
            gate=HeldClearances(self.policy.challenge.epoch),
            situation=self._tables,
            recognise=self._recognise,
            own_path=self._own_path,
        )
        self._shared_out = tuple(rule for rule in self.policy.rules if rule.enforce_share < 1.0)
        self._groups: dict[object, Group] = {}
        self._guests: dict[Caller, Guest] = {}
        self._named_visits: dict[str, tuple[Visit, list[int], Group]] = {}
        self._manners: dict[object, Manner] = {}
        self._courses = self._groups_met = 0
        self._ever_banned: set[str] = set()

    def judge_block(self, block: Block, callers: Sequence[Caller]) -> tuple[bytearray, array[int]]:
        """Return for each request of ``block`` its action, and the number of what did it; ``callers`` are the block's.

        The block follows the one before it.
        """
        guests = [self._guest(caller) for caller in callers]
        asks, note = block.asks, self.detector.noted.append
        looks = [self._sight.place(ask) << STANDING_BITS for ask in asks]
        cleared_until, ever_banned, asks_referer = self._cleared.get, self._ever_banned, self.asks_referer
        charge, tightening = self._buckets.charge, self.detector.situation.tightening
        bucket, bans, marks = Asked.BUCKET, Asked.BANS, Asked.MARKS
        actions, codes = bytearray(), array(NUMBER)
        standing = self._standing()
        for now, who, what, held in zip(block.moments, block.who, block.what, block.held, strict=True):
            if now >= self._next_second:
                self._begin_second(now)
                standing = self._standing()
            guest = guests[who]
            cleared = held or (guest.passes and cleared_until(guest.session, 0.0) > now)
            manner = guest.cleared if cleared else guest.plain
            if manner is None or asks_referer:
                manner = self._manner(guest, asks[what], cleared=bool(cleared))
            way = manner.get(looks[what] | standing)
            slots = guest.slots
            answers: list[Any] = []
            # The same as ``way.after(self._answer(...))``, without a call for what is asked most.
            while type(way) is Step:
                kind = way.kind
                if kind is bucket:
                    slack = charge(slots[way.place], way.interval, way.span, now)
                    answers.append(slack)
                    way = way.over if slack < 0.0 else way.full if slack >= way.span else way.within
                elif kind is bans and guest.client not in ever_banned:
                    answers.append(None)
                    way = way.within
                elif kind is marks:
                    marked = tightening(slots[way.place], slots[way.client], now)
                    answers.append(marked)
                    way = way.marks.get(marked)
                else:
                    answers.append(self._answer(way, guest, asks[what], now))
                    way = way.after(answers[-1])
            if type(way) is not End or not way.clear:
                key = looks[what] | standing
                way = self._judge_anew(guest, asks[what], now, answers, manner, key, cleared=bool(cleared))
            note(guest.network | way.deed)
            if way.action:
                self._now = now
                if way is not guest.end:
                    guest.end = way
                    guest.decision = Decision("", NOBODY, guest.visit, way.facts, way.verdict, enforced=True)
                self._follow(guest.caller, guest.decision)
            actions.append(way.action)
            codes.append(way.code)
        return actions, codes

    def _standing(self) -> int:
        """Return how the site stands, as a number below 1 << STANDING_BITS."""
        return POSTURES.index(self.detector.situation.posture) << 1 | bool(self._buckets.saturated)

    def _answer(self, step: Step, guest: Guest, ask: Ask, now: float) -> Any:
        """Ask a table what ``step`` asks."""
        if step.kind is Asked.BANS:
            return self._bans.find(guest.client, guest.caller.visitor.address, now)
        limit = self._limits[step.place]
        request = NAMELESS._replace(host=ask.host, path=ask.path, place=place_of(ask.path))
        slot = self._named(limit.name, request_key(limit.scope, request, guest.caller.serial))
        return self._buckets.charge(slot, step.interval, step.span, now)

    def _judge_anew(  # noqa: PLR0913, PLR0917 - what was found so far
        self, guest: Guest, ask: Ask, now: float, answers: list[Any], manner: Manner, key: int, *, cleared: bool
    ) -> End:
        """Judge a request by gatherer and judge, with the ``answers`` it already has, and note how it went."""
        caller, tables = guest.caller, self._tables
        headers = caller.cleared if cleared else caller.headers
        if self.asks_referer and ask.referer:
            headers = {**headers, b"referer": ask.referer.encode("latin-1", "replace")}
        request = Request(ask.method, ask.host, ask.path, "", ask.version, headers, "", place_of(ask.path))
        known = guest.group.pattern._replace(visitor=caller.visitor)
        tables.begin(guest.slots, answers)
        if ask.method:
            facts = self._recorded.gather(self.policy, known, request, now)
        else:
            facts = self._recorded.gather_malformed(known, request, UNREADABLE, now)
        verdict, faults = self._judge(self.policy, facts)
        self.faults += bool(faults)
        deed = deed_of(facts) if counts(facts, verdict) else 0
        shown = self._acted_upon(verdict)
        end = End(facts, shown, deed=deed, code=self._code(shown), faulty=bool(faults))
        self._courses += end.clear
        manner[key] = grown(manner.get(key), tables.steps, tables.answers, end)
        if self._courses > MOST_COURSES:
            self._forget()
        return end

    def _forget(self) -> None:
        """Learn all courses anew."""
        self._courses = 0
        self._manners.clear()
        self._guests.clear()

    def _code(self, verdict: Verdict) -> int:
        word = verdict.rule or verdict.stage
        found = self._word_numbers.get(word)
        if found is None:
            found = self._word_numbers[word] = len(self.words)
            self.words.append(word)
        return found

    def _guest(self, caller: Caller) -> Guest:
        found = self._guests.get(caller)
        if found is None:
            if len(self._guests) >= MOST_CALLERS:
                self._guests.clear()
            found = self._guests[caller] = Guest(caller, *self._welcome(caller.visitor))
        return found

    def _welcome(self, visitor: Visitor) -> tuple[Visit, list[int], Group]:
        """Return the visit of a visitor with its slots, and its group; callers of one address share them."""
        found = self._named_visits.get(visitor.address)
        if found is None:
            if len(self._named_visits) >= MOST_CALLERS:
                self._named_visits.clear()
            places = Places(self._buckets)
            known = visit(self.policy, visitor, places, 0, self._habits.of)
            found = self._named_visits[visitor.address] = known, places.slots, self._group(known)
        return found

    def _group(self, known: Visit) -> Group:
        standing, client = known.standing, known.visitor.client
        key = (
            standing.exempt,
            tuple([charge.limit.name for charge in standing.charges]),
            tuple([rule.name for rule in standing.rules]),
            tuple([rule.acts_on(client) for rule in self._shared_out]),
        )
        found = self._groups.get(key)
        if found is None:
            if len(self._groups) >= MOST_GROUPS:
                self._groups.clear()
                self._forget()
            self._groups_met += 1
            pattern = visit(self.policy, known.visitor, Places(), 0, self._habits.of)
            found = self._groups[key] = Group(self._groups_met, pattern)
        return found

    def _manner(self, guest: Guest, ask: Ask, *, cleared: bool) -> Manner:
        """Return the courses of all who present themselves as ``guest`` does and stand as it does."""
        caller = guest.caller
        agent = caller.headers.get(b"user-agent", b"")[:MAX_AGENT].decode("latin-1")
        crawler = self._recognise(caller.visitor.label, agent) if agent else Crawler.NONE
        look = self._sight.head(caller.key[1], ask.referer if self.asks_referer else "")
        key = (guest.group.number, look, crawler, cleared)
        found = self._manners.get(key)
        if found is None:
            found = self._manners[key] = {}
        if cleared:
            guest.cleared = found
        else:
            guest.plain = found
        return found

    def _banned(self, ban: Ban, known: Visit) -> None:
        super()._banned(ban, known)
        self._ever_banned.add(ban.key)
