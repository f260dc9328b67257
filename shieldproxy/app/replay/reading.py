"""Reading: the lines of a log become columns, block by block, in a process of its own while the last one is looked at.

What needs the lines is done here: who asked, for what, how it was answered, as numbers. What needs the whole log in its
order (who is a person, what time it is) is done by app.replay.taping with these columns.
"""

from __future__ import annotations

import marshal
import multiprocessing
from array import array
from typing import TYPE_CHECKING, NamedTuple

from shieldproxy.app.replay.blocks import MOMENT, MOST, NUMBER, Ask
from shieldproxy.app.replay.callers import cleared, kind_of, proves
from shieldproxy.core.facts import PageKind
from shieldproxy.core.verdict import ACTIONS, Action
from shieldproxy.journal.foreign import Logged, parse_request
from shieldproxy.journal.log_files import UnreadableLogError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping
    from multiprocessing.connection import Connection
    from typing import Any

    from shieldproxy.app.replay.past import Past
    from shieldproxy.journal.pieces import Piece

# What a request tells of its session: that a page or a part of one was got, a challenge passed; or that it was for one
# of our own pages, and is not judged.
PAGE, PART, PROVES, OWN = 1, 2, 4, 8
SEEN = {PageKind.PAGE: PAGE, PageKind.ASSET: PART}


class Lines(NamedTuple):
    """Requests as they stood in the log. ``who`` and ``what`` are places in ``callers`` (address, agent) and ``asks``.

    ``times`` are unix seconds; ``looks`` is what a request tells of its session; ``held`` and ``done`` as in Block.
    """

    callers: list[tuple[str, str]]
    asks: list[tuple[str, ...]]
    times: bytes
    who: bytes
    what: bytes
    looks: bytes
    held: bytes
    done: bytes


class Columns:
    """Takes requests in their order. ``own`` is what the paths of our own pages begin with.

    ``referers`` says whether a policy looks at them; else they are left out, and what is asked for repeats itself more.
    """

    def __init__(self, own: str, *, referers: bool) -> None:
        self._own = own
        self._referers = referers
        self._begin()

    def _begin(self) -> None:
        self._who: dict[tuple[str, str], int] = {}
        self._what: dict[str | tuple[str, ...], int] = {}
        self._asks: list[Ask] = []
        self._seen: list[int] = []
        self._times: array[float] = array(MOMENT)
        self._whos, self._whats, self._looks = array(NUMBER), array(NUMBER), bytearray()
        # As far as the last request of which the log tells more; of those after it, it does not.
        self._held, self._done = bytearray(), bytearray()

    def lines(self, pieces: Iterable[Piece | Logged]) -> Iterator[Lines]:
        """Yield ``pieces`` as columns."""
        whos, whats = self._who, self._what
        for piece in pieces:
            if isinstance(piece, Logged):
                self._take(piece)
            else:
                time, address, agent, line, status = piece
                if "?" in line:
                    line = without_query(line)
                who, what = whos.get((address, agent)), whats.get(line)
                if who is None:
                    who = whos[address, agent] = len(whos)
                if what is None:
                    method, path, _, version = parse_request(line)
                    what = whats[line] = self._ask(Ask(method, "", path, version))
                look = self._seen[what]
                self._times.append(time)
                self._whos.append(who)
                self._whats.append(what)
                self._looks.append(look if status < 400 or status == 499 else look & OWN)
            if len(self._times) >= MOST:
                yield self._finished()
                whos, whats = self._who, self._what
        if self._times:
            yield self._finished()

    def _take(self, logged: Logged) -> None:
        """Take a whole request."""
        fields = logged.fields
        words = (logged.method, logged.host, logged.path, logged.version, logged.referer if self._referers else "")
        what = self._what.get(words)
        if what is None:
            what = self._what[words] = self._ask(Ask(*words))
        look, status = self._seen[what], logged.status
        if status >= 400 and status != 499:
            look &= OWN
        if fields is not None:
            at = len(self._times)
            self._held[at:] = bytes(at - len(self._held)) + bytes((cleared(fields),))
            self._done[at:] = bytes(at - len(self._done)) + bytes((done_with(fields),))
            look |= PROVES * proves(fields)
        self._times.append(logged.time)
        self._whos.append(self._who.setdefault((logged.address, logged.user_agent), len(self._who)))
        self._whats.append(what)
        self._looks.append(look)

    def _ask(self, ask: Ask) -> int:
        self._asks.append(ask)
        seen = SEEN.get(kind_of(ask.method, ask.path), 0)
        self._seen.append(seen | OWN if ask.path.startswith(self._own) else seen)
        return len(self._asks) - 1

    def _finished(self) -> Lines:
        count = len(self._times)
        held, done = [bytes(told.ljust(count, b"\0")) for told in (self._held, self._done)]
        columns = self._times.tobytes(), self._whos.tobytes(), self._whats.tobytes(), bytes(self._looks)
        found = Lines([*self._who], [tuple(ask) for ask in self._asks], *columns, held, done)
        self._begin()
        return found


def read(past: Past, own: str, *, referers: bool, apart: bool) -> Generator[Lines, None, None]:
    """Yield ``past`` as columns; ``apart``: read by another process. Raises UnreadableLogError."""
    if not apart:
        yield from Columns(own, referers=referers).lines(past.requests() if referers else past.pieces())
        return
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_read_apart, args=(past, own, referers, there), daemon=True)
    process.start()
    there.close()
    try:
        while data := here.recv_bytes():
            yield Lines(*marshal.loads(data))  # noqa: S302 - our own process wrote it
        problem, past.broken, past.broken_lines = here.recv()
        if problem:
            raise UnreadableLogError(problem)
    except EOFError as error:
        raise RuntimeError("the process that read the log has died") from error
    finally:
        here.close()
        process.terminate()
        process.join()


def _read_apart(past: Past, own: str, referers: bool, there: Connection) -> None:  # noqa: FBT001 - of another process
    problem = ""
    try:
        for lines in read(past, own, referers=referers, apart=False):
            there.send_bytes(marshal.dumps(tuple(lines)))
    except UnreadableLogError as error:
        problem = str(error)
    there.send_bytes(b"")
    there.send((problem, past.broken, past.broken_lines))


def without_query(line: str) -> str:
    """Return a request line without its query, which no policy looks at; one that is none as it is."""
    start, _, rest = line.partition("?")
    return start + rest[rest.rfind(" ") :] if line.count(" ") == 2 and " " in rest else line


def done_with(fields: Mapping[str, Any]) -> Action:
    """Return what a JSON line says was done with a request; logs of other servers let all pass."""
    if fields.get("enforced") is False:
        return Action.ADMIT
    word = fields.get("action")
    return ACTIONS.get(word, Action.ADMIT) if isinstance(word, str) else Action.ADMIT
