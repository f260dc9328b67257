"""Callers: who asks in a log (an address and a user agent), and what their session tells of them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from shieldproxy.core.addresses import parse_address
from shieldproxy.core.facts import Crawler, PageKind
from shieldproxy.core.page_kinds import page_kind
from shieldproxy.core.paths import plain_path
from shieldproxy.guard.visits import Visit, visitor_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from shieldproxy.core.facts import NetworkLabel, Visitor
    from shieldproxy.core.ports import Networks
    from shieldproxy.journal.foreign import Logged

# Callers kept with their bucket names, about 2 KiB each, and sessions, about 300 bytes each.
MOST_CALLERS = 100_000
MOST_SESSIONS = 1_000_000
# How long after a page its pictures and styles come (seconds), as in guard.gathering.
PAGE_SPAN = 60.0

PEOPLE = (
    "a person is a client and user agent that passed a challenge or held a clearance in the log, or that asked for a "
    "page and within 60 s for a picture, style or script, got both, and does not call itself a robot"
)
# Robots that publish no addresses fetch pages with their pictures too, and say what they are.
ROBOT_WORDS = ("bot", "crawl", "spider", "slurp", "fetch", "monitor", "http:", "https:", "scan", "archive")


class Session:
    """What one client with one user agent did. ``kinds`` are the changes it met, as bits of changes.KINDS."""

    __slots__ = ("browses", "kinds", "last_page", "passes", "robot", "tame")

    def __init__(self, *, robot: bool, tame: bool) -> None:
        self.passes = False
        self.robot = robot
        self.tame = tame
        self.browses = False
        self.last_page = float("-inf")
        self.kinds = 0

    @property
    def person(self) -> bool:
        """Whether it counts as a person (see PEOPLE)."""
        return not self.robot and (self.passes or self.browses)

    def note(self, logged: Logged) -> None:
        """Hear of one request of it. Called in the order of the log."""
        if logged.fields is not None and proves(logged.fields):
            self.passes = True
        self.browse(kind_of(logged.method, logged.path), logged.status, logged.time)

    def browse(self, kind: PageKind, status: int, now: float) -> None:
        """Hear what it asked for, and how that was answered (0: the log does not say)."""
        if kind in {PageKind.PAGE, PageKind.ASSET} and (status < 400 or status == 499):
            self.see(now, page=kind is PageKind.PAGE)

    def see(self, now: float, *, page: bool) -> None:
        """Hear that it got a page, or a part of one."""
        if self.browses or self.tame:
            return
        if page:
            self.last_page = now
        elif now - self.last_page <= PAGE_SPAN:
            self.browses = True


class Caller:
    """A visitor with the headers that its log tells, and its visits under each policy that is replayed.

    ``serial`` is that of the clearance it may hold.
    """

    __slots__ = ("cleared", "headers", "key", "serial", "session", "visitor", "visits")

    def __init__(self, visitor: Visitor, agent: str, session: Session) -> None:
        self.visitor = visitor
        self.key = (visitor.client, agent)
        self.session = session
        self.visits: dict[int, Visit] = {}
        self.headers: Mapping[bytes, bytes] = {b"user-agent": agent.encode("latin-1", "replace")} if agent else {}
        self.serial = f"{visitor.client} {agent}"
        self.cleared: Mapping[bytes, bytes] = {**self.headers, b"cookie": self.serial.encode()}


class Callers:
    """Finds who asks. ``strangers`` counts addresses that are none, ``overflow`` sessions that were left out."""

    def __init__(self, networks: Networks, recognise: Callable[[NetworkLabel, str], Crawler]) -> None:
        self._networks = networks
        self._recognise = recognise
        self._known: dict[tuple[str, str], Caller] = {}
        self._sessions: dict[tuple[str, str], Session] = {}
        self.strangers = 0
        self.overflow = 0

    @property
    def sessions(self) -> Mapping[tuple[str, str], Session]:
        """The sessions by client key and user agent."""
        return self._sessions

    def find(self, logged: Logged) -> Caller | None:
        """Return who asks; None when the log names no address."""
        return self.at(logged.address, logged.user_agent)

    def at(self, address: str, agent: str) -> Caller | None:
        """Return who asks from ``address`` with a user agent; None when it is no address."""
        try:
            return self._known[address, agent]
        except KeyError:
            return self._meet(address, agent)

    def all_of(self, pairs: Iterable[tuple[str, str]]) -> list[Caller]:
        """Return the callers of ``pairs``, each of which was found before."""
        return [caller for address, agent in pairs if (caller := self.at(address, agent)) is not None]

    def _meet(self, text: str, agent: str) -> Caller | None:
        address = parse_address(text)
        if address is None:
            self.strangers += 1
            return None
        visitor = visitor_of(address, self._networks.label(str(address)))
        key = (visitor.client, agent)
        session = self._sessions.get(key)
        if session is None:
            session = self._begin(key, visitor, agent)
        if len(self._known) >= MOST_CALLERS:
            self._known.clear()
        found = self._known[text, agent] = Caller(visitor, agent, session)
        return found

    def _begin(self, key: tuple[str, str], visitor: Visitor, agent: str) -> Session:
        words = agent.lower()
        session = Session(
            robot=self._recognise(visitor.label, agent) is Crawler.VERIFIED,
            tame=any(word in words for word in ROBOT_WORDS),
        )
        if len(self._sessions) < MOST_SESSIONS:
            self._sessions[key] = session
        else:
            self.overflow += 1
        return session


def proves(fields: Mapping[str, Any]) -> bool:
    """Tell whether a record of our journal shows that its client passed a challenge, now or before."""
    return fields.get("challenge") == "passed" or cleared(fields)


def cleared(fields: Mapping[str, Any]) -> bool:
    """Tell whether a record of our journal was let in for its clearance."""
    return fields.get("stage") == "cleared" and fields.get("rule") == "clearance"


@lru_cache(65_536)
def place_of(path: str) -> str:
    """Return where ``path`` leads (core.paths), remembered: a log asks for the same again and again."""
    return plain_path(path)


@lru_cache(65_536)
def kind_of(method: str, path: str) -> PageKind:
    """Return what a request is for, by its path alone."""
    return page_kind(method, place_of(path), {})
