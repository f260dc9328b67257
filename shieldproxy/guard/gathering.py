"""Gathering: request head to Facts. Synchronous, in memory; the only place where buckets are charged."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from shieldproxy.core.audits import Audits
from shieldproxy.core.buckets import Reading, Scope
from shieldproxy.core.clearance import Clearance, Kind, Refusal
from shieldproxy.core.facts import Crawler, Facts, Malformed, PageKind, Posture, Request, Tightening
from shieldproxy.core.page_kinds import page_kind
from shieldproxy.core.paths import plain_path
from shieldproxy.core.policy import exempt_path
from shieldproxy.core.verdict import Action
from shieldproxy.guard.looks import Looks

if TYPE_CHECKING:
    from collections.abc import Callable

    from shieldproxy.core.facts import NetworkLabel, Visitor
    from shieldproxy.core.policy import Policy
    from shieldproxy.core.ports import Bans, Buckets, ClearanceReader, Situation
    from shieldproxy.core.rules import Rule
    from shieldproxy.guard.looks import Look
    from shieldproxy.guard.visits import Charge, Visit

    # (label of the address, user agent) -> what the agent claims and the address confirms
    Recognise = Callable[[NetworkLabel, str], Crawler]
    # (robot, address) -> what the names of the Internet say, from memory; NONE while they have said nothing
    Testify = Callable[[str, str], Crawler]
    # user agent -> the robot it claims to be, or ""
    Claims = Callable[[str], str]

# Pairs of a network and a user agent that are remembered, and how much of an agent is looked at: a robot names itself
# early, and a flood of long names must not fill the memory.
AGENTS = 8_192
MAX_AGENT = 512

# How long the parts of a page may follow it (seconds): slow telephones fetch the last picture late.
PAGE_SPAN = 60.0
PAGE_INTERVAL = 30.0
# Parts of one client: 60 at once and 5 a second, more than pages have; beyond it the crowd's limits hold again.
PARTS_INTERVAL = 0.2
PARTS_SPAN = 12.0


NO_TRAITS: tuple[str, ...] = ()
# By names of this module: to ask an enumeration for a member costs five times as much (Python 3.11).
NO_ROBOT, VERIFIED, EXPIRED = Crawler.NONE, Crawler.VERIFIED, Refusal.EXPIRED
PAGE, CALM, NOT_TIGHTENED = PageKind.PAGE, Posture.CALM, Tightening.NONE


class Gatherer:
    """Gathers facts for one worker. Holds the ports, no state of its own but a bounded memory of user agents."""

    def __init__(  # noqa: PLR0913 - one argument for each port
        self,
        *,
        buckets: Buckets,
        bans: Bans,
        gate: ClearanceReader,
        situation: Situation,
        recognise: Recognise,
        own_path: str,
        claims: Claims = lambda _agent: "any robot",
        testify: Testify = lambda _robot, _address: Crawler.NONE,
        audits: Audits | None = None,
    ) -> None:
        self._buckets = buckets
        self._bans = bans
        self._gate = gate
        self._situation = situation
        self._recognised = lru_cache(AGENTS)(lambda label, agent: recognise(label, agent.decode("latin-1")))
        self._claims = claims
        self._testify = testify
        self.audits = audits or Audits(bytes)
        self._strained: Callable[[], bool] = at_ease
        self._looks = Looks(buckets.slot)
        self._own_prefix = own_path.rstrip("/") + "/"
        self._own_target = self._own_prefix.encode()

    def usual_of(self, network: int) -> float:
        """Return how often a network (a slot) usually asks a second."""
        return self._situation.usual(network)

    def heed(self, strained: Callable[[], bool]) -> None:
        """Ask ``strained`` before each request whether the origin can take no more newcomers at the moment."""
        self._strained = strained

    def gather(self, policy: Policy, visit: Visit, request: Request, now: float, *, ja4: str = "") -> Facts:
        """Return the facts of ``request``, every matching bucket charged with one token.

        Exempt and banned requests charge nothing: the first must never be limited, the second are not served.
        """
        visitor = visit.visitor
        own = request.path.startswith(self._own_prefix)
        if not request.place:
            request = request._replace(place=plain_path(request.path))
        crawler, matched = NO_ROBOT, visit.habits.recall(request)
        if matched is None:
            crawler, matched = self._presented(visit, request)
        exempt = visit.standing.exempt or exempt_path(policy, request)
        ban = self._bans.find(visitor.client, visitor.address, now)
        if exempt or ban is not None:
            posture = self._situation.posture
            return Facts(
                visitor, request, now, exempt=exempt, ban=ban, matched=matched, crawler=crawler, posture=posture
            )
        clearance = self._clearance(visitor, request)
        if own:
            return self._gather_answer(visit, request, matched, clearance, now)
        page = page_kind(request.method, request.place, request.headers)
        posture, tightening, part = self._situation.posture, NOT_TIGHTENED, False
        traits, cohort = NO_TRAITS, ""
        if crawler is VERIFIED:
            readings = self._charge(visit.robots, request, crawler, "", now)
        elif clearance is not None:
            charges = visit.cleared if clearance.kind is Kind.WORK else visit.formed
            readings = self._charge(charges, request, crawler, clearance.serial, now)
        elif page is PAGE:
            readings, tightening, traits, cohort = self._charge_page(visit, request, crawler, posture, ja4, now)
        else:
            readings, tightening, part = self._charge_rest(visit, request, crawler, posture, now)
        return Facts(
            visitor,
            request,
            now,
            page,
            "",
            None,
            None,
            matched,
            readings,
            clearance,
            crawler,
            self._buckets.saturated or self._strained(),
            posture,
            tightening,
            part,
            traits,
            cohort,
        )

    def _tightened(self, visit: Visit, look: Look, now: float) -> tuple[Tightening, str]:
        """Return of what excess a newcomer's page is part, and the trait when it is by a cohort."""
        situation = self._situation
        place = situation.cohort(look.slots, now)
        if place >= 0:
            return Tightening.COHORT, look.traits[place]
        found = situation.tightening(visit.excess, visit.unanswered, now)
        if found not in {NOT_TIGHTENED, Tightening.SAMPLE} and situation.spares(look.asked, now):
            return NOT_TIGHTENED, ""
        return found, ""

    def _gather_answer(
        self, visit: Visit, request: Request, matched: tuple[Rule, ...], clearance: Clearance | None, now: float
    ) -> Facts:
        """Return the facts of a request for an own path.

        No rule refuses anybody an answer; their weights say how hard a puzzle is that is asked for anew.
        """
        return Facts(
            visit.visitor,
            request,
            now,
            PageKind.API,
            matched=tuple(rule for rule in matched if rule.action is None),
            readings=self._charge(visit.own, request, NO_ROBOT, "", now),
            clearance=clearance,
            posture=self._situation.posture,
        )

    def _charge_page(  # noqa: PLR0913, PLR0917 - what was gathered so far
        self, visit: Visit, request: Request, crawler: Crawler, posture: Posture, ja4: str, now: float
    ) -> tuple[tuple[Reading, ...], Tightening, tuple[str, ...], str]:
        """Charge a page of somebody who has shown nothing yet.

        Return what the buckets say, of what excess it is part, its traits, and the one by which it is of a cohort.
        """
        look = self._looks.look(request, ja4)
        if posture is not CALM:
            tightening, cohort = self._tightened(visit, look, now)
            if tightening is not NOT_TIGHTENED:
                # It will be challenged, so it takes nothing from the crowd, and no parts will follow it.
                return self._charge(visit.own, request, crawler, "", now), tightening, look.traits, cohort
        readings = self._charge(visit.newcomer, request, crawler, "", now)
        for limit, slack in readings:
            if slack < 0.0 and not limit.observed:
                break
        else:
            if posture is CALM and self.audits.draw():
                return readings, Tightening.AUDIT, look.traits, ""
            self._buckets.charge(visit.pages, PAGE_INTERVAL, PAGE_SPAN, now)
        return readings, NOT_TIGHTENED, look.traits, ""

    def _charge_rest(
        self, visit: Visit, request: Request, crawler: Crawler, posture: Posture, now: float
    ) -> tuple[tuple[Reading, ...], Tightening, bool]:
        """Charge what is no page, of somebody who has shown nothing yet.

        Return what the buckets say, of what excess it is part, and whether it follows a page that was let in.
        """
        tightening = NOT_TIGHTENED
        if posture is not CALM:
            tightening = self._situation.tightening(visit.excess, visit.unanswered, now)
        part = self._follows_page(visit, now)
        pressed = visit.pressed if tightening is Tightening.NETWORK else visit.newcomer
        return self._charge(visit.own if part else pressed, request, crawler, "", now), tightening, part

    def _follows_page(self, visit: Visit, now: float) -> bool:
        """Tell whether a request that is no page belongs to a page within all limits; it is charged as a part of it.

        The crowd's limits have judged the page. To judge its parts again would send people a page without its style,
        and a carrier's customers would be a crowd by the pictures they look at.
        """
        table = self._buckets
        # A charge of nothing only looks: the bucket is full, unless such a page was asked for lately.
        if table.charge(visit.pages, 0.0, PAGE_SPAN, now) >= PAGE_SPAN:
            return False
        return table.charge(visit.parts, PARTS_INTERVAL, PARTS_SPAN, now) >= 0.0

    def gather_malformed(self, visit: Visit, request: Request, reason: Malformed, now: float) -> Facts:
        """Return the facts of a message that cannot be served: who sent it, and what is wrong with it."""
        visitor, exempt = visit.visitor, visit.standing.exempt
        ban = None if exempt else self._bans.find(visitor.client, visitor.address, now)
        posture = self._situation.posture
        return Facts(visitor, request, now, PageKind.API, exempt, ban, reason, posture=posture)

    def is_own(self, path: str, place: str = "") -> bool:
        """Tell whether ``path``, which leads to ``place``, is ours and never reaches the origin.

        However it is spelled: an odd spelling is none of our pages, and none of the site's either.
        """
        return path.startswith(self._own_prefix) or place.startswith(self._own_prefix)

    def is_own_target(self, target: bytes) -> bool:
        """Tell the same of a request target."""
        return target.startswith(self._own_target)

    def _presented(self, visit: Visit, request: Request) -> tuple[Crawler, tuple[Rule, ...]]:
        """Return what a request claims to come from and the rules it matches; note it when it claims no robot."""
        agent = request.headers.get(b"user-agent", b"")[:MAX_AGENT]
        crawler = self._recognised(visit.visitor.label, agent) if agent else NO_ROBOT
        robot = self._claims(agent.decode("latin-1")) if agent else ""
        if robot and crawler is not VERIFIED:
            # Ranges grow, and some robots publish none: what names say overrules them, once they have said something.
            told = self._testify(robot, visit.visitor.address)
            crawler = crawler if told is NO_ROBOT else told
        if request.known and not robot:
            visit.habits.note(request)
        return crawler, visit.habits.matched(request, crawler)

    def _clearance(self, visitor: Visitor, request: Request) -> Clearance | None:
        cookie = request.headers.get(b"cookie")
        if cookie is None:
            return None
        agent = request.headers.get(b"user-agent", b"")
        found = self._gate.read_clearance(cookie, visitor, agent)
        if found is EXPIRED and request.method == "POST":
            # It ended while somebody typed: what they send now counts as begun in time.
            found = self._gate.read_clearance(cookie, visitor, agent, late=True)
        return found if isinstance(found, Clearance) else None

    def _charge(
        self, charges: tuple[Charge, ...], request: Request, crawler: Crawler, serial: str, now: float
    ) -> tuple[Reading, ...]:
        """Charge one token each and return what the buckets say.

        Own limits stand first: a request beyond one of them will be refused, so it takes nothing from the crowd.
        """
        table = self._buckets
        readings = []
        refused = False
        for limit, slot, interval, span, shared in charges:
            if shared and refused:
                break
            if limit.match is not None and not limit.match.fits_request(request, crawler):
                continue
            bucket = slot or table.slot(limit.name, request_key(limit.scope, request, serial))
            slack = table.charge(bucket, interval, span, now)
            readings.append(Reading(limit, slack))
            if slack < 0.0 and limit.action > Action.CHALLENGE and not limit.observed:
                refused = True
        return tuple(readings)


def at_ease() -> bool:
    """Say that nothing is strained."""
    return False


def request_key(scope: Scope, request: Request, serial: str) -> str:
    """Return the bucket key that only the request tells: a clearance's serial, the path, or the site."""
    if scope is Scope.CLEARANCE:
        return serial
    return (request.place or request.path) if scope is Scope.PATH else request.host
