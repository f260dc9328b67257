"""Taping: a log is read once, from its lines to blocks of columns, and told who in it is a person."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, NamedTuple

from shieldproxy.app.replay.blocks import MOMENT, MOST, NUMBER, Ask, Block, Tape
from shieldproxy.app.replay.callers import cleared, kind_of, proves
from shieldproxy.core.verdict import ACTIONS, Action
from shieldproxy.journal.foreign import Logged, parse_request

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shieldproxy.app.replay.callers import Callers, Session
    from shieldproxy.app.replay.past import Past
    from shieldproxy.core.facts import PageKind
    from shieldproxy.journal.pieces import Piece

# Where the clock of a log begins: a bucket that is full at 0 was never used.
START = 1_000.0
STRANGER, OWN = -1, -1


class Taped(NamedTuple):
    """A log on tape, how many of its requests are there and how many were left out, and its first and last moment."""

    tape: Tape
    requests: int
    skipped: int
    first: float
    last: float


class Taper:
    """Takes requests in their order. ``own`` is what the paths of our own pages begin with.

    ``referers`` says whether a policy looks at them; else they are left out, and what is asked for repeats itself more.
    """

    def __init__(self, callers: Callers, own: str, *, referers: bool) -> None:
        self._callers = callers
        self._own = own
        self._referers = referers
        self.tape = Tape()
        self.requests = self.skipped = 0
        self.first, self.last = 0.0, float("-inf")
        self._begin()

    def _begin(self) -> None:
        self._who: dict[tuple[str, str], int] = {}
        self._what: dict[str | tuple[str, ...], int] = {}
        self._met: list[tuple[str, str]] = []
        self._sessions: list[Session] = []
        self._asks: list[Ask] = []
        self._kinds: list[PageKind] = []
        moments: array[float] = array(MOMENT)
        self._columns = moments, array(NUMBER), array(NUMBER)
        # As far as the last request of which the log tells more; of those after it, it does not.
        self._held, self._done = bytearray(), bytearray()

    def take(self, logged: Logged) -> None:
        """Take one request."""
        who = self._who.get((logged.address, logged.user_agent))
        if who is None:
            who = self._meet(logged.address, logged.user_agent)
        if who == STRANGER:
            self.skipped += 1
            return
        session, path, fields = self._sessions[who], logged.path, logged.fields
        if path.startswith(self._own):
            session.note(logged)
            self.skipped += 1
            return
        referer = logged.referer if self._referers else ""
        words = (logged.method, logged.host, path, logged.version, referer)
        what = self._what.get(words)
        if what is None:
            what = self._what[words] = self._ask(Ask(*words))
        if fields is not None and proves(fields):
            session.passes = True
        if not session.browses:
            session.browse(self._kinds[what], logged.status, logged.time)
        if fields is not None:
            at = len(self._columns[0])
            self._held[at:] = bytes(at - len(self._held)) + bytes((cleared(fields),))
            self._done[at:] = bytes(at - len(self._done)) + bytes((done_with(fields),))
        self._put(logged.time, who, what)

    def take_pieces(self, pieces: Iterable[Piece | Logged]) -> None:
        """Take requests as pieces: the same as ``take`` of each, where referers are left out."""
        for piece in pieces:
            if isinstance(piece, Logged):
                self.take(piece)
                continue
            time, address, agent, line, status = piece
            if "?" in line:
                line = without_query(line)
            who, what = self._who.get((address, agent)), self._what.get(line)
            if what is None or who is None:
                who, what = self._begin_with(address, agent, line)
            if who == STRANGER:
                self.skipped += 1
                continue
            session = self._sessions[who]
            if what == OWN:
                method, path, _, _ = parse_request(line)
                session.browse(kind_of(method, path), status, time)
                self.skipped += 1
                continue
            if not session.browses:
                session.browse(self._kinds[what], status, time)
            self._put(time, who, what)

    def _begin_with(self, address: str, agent: str, line: str) -> tuple[int, int]:
        """Return who asks, and for what, of whom one or both are new in this block."""
        who = self._who.get((address, agent))
        if who is None:
            who = self._meet(address, agent)
        method, path, _, version = parse_request(line)
        if path.startswith(self._own):
            return who, OWN
        what = self._what.get(line)
        if what is None:
            what = self._what[line] = self._ask(Ask(method, "", path, version))
        return who, what

    def _put(self, time: float, who: int, what: int) -> None:
        if time > self.last:
            if not self.requests:
                self.first = time
            self.last = time
        self.requests += 1
        moments, whos, whats = self._columns
        moments.append(self.last - self.first + START)
        whos.append(who)
        whats.append(what)
        if len(moments) >= MOST:
            self._flush()

    def _meet(self, address: str, agent: str) -> int:
        if len(self._met) >= MOST:
            self._flush()
        caller = self._callers.at(address, agent)
        if caller is None:
            # Not remembered: a log of lines without an address must not fill the memory.
            return STRANGER
        who = self._who[address, agent] = len(self._met)
        self._met.append((address, agent))
        self._sessions.append(caller.session)
        return who

    def _ask(self, ask: Ask) -> int:
        self._asks.append(ask)
        self._kinds.append(kind_of(ask.method, ask.path))
        return len(self._asks) - 1

    def _flush(self) -> None:
        moments, who, what = self._columns
        held, done = [bytes(told.ljust(len(moments), b"\0")) for told in (self._held, self._done)]
        self.tape.write(Block(self._met, self._asks, moments, who, what, held, done))
        self._begin()

    def finish(self) -> Taped:
        """Return what was taken. Whoever is a person passes from now on: a person who is challenged answers."""
        if self._columns[0]:
            self._flush()
        for session in self._callers.sessions.values():
            session.passes = session.person
        self._callers.strangers = 0
        return Taped(self.tape, self.requests, self.skipped, self.first, self.last)


def tape(past: Past, callers: Callers, own_path: str, *, referers: bool) -> Taped:
    """Read ``past`` once. ``own_path`` is where our own pages live. Raises UnreadableLogError."""
    taper = Taper(callers, own_path.rstrip("/") + "/", referers=referers)
    try:
        if referers:
            for logged in past.requests():
                taper.take(logged)
        else:
            taper.take_pieces(past.pieces())
        return taper.finish()
    except BaseException:
        taper.tape.close()
        raise


def without_query(line: str) -> str:
    """Return a request line without its query, which no policy looks at; one that is none as it is."""
    start, _, rest = line.partition("?")
    return start + rest[rest.rfind(" ") :] if line.count(" ") == 2 and " " in rest else line


def done_with(fields: object) -> Action:
    """Return what a JSON line says was done with a request; logs of other servers let all pass."""
    if not isinstance(fields, dict) or fields.get("enforced") is False:
        return Action.ADMIT
    word = fields.get("action")
    return ACTIONS.get(word, Action.ADMIT) if isinstance(word, str) else Action.ADMIT
