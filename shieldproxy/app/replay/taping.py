"""Taping: a log is put on tape in its order, with a clock that never goes back, and told who in it is a person."""

from __future__ import annotations

from array import array
from itertools import accumulate, compress
from typing import TYPE_CHECKING, NamedTuple

from shieldproxy.app.replay.blocks import MOMENT, NUMBER, Ask, Block, Tape
from shieldproxy.app.replay.reading import OWN, PAGE, PROVES, Lines, read

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shieldproxy.app.replay.callers import Caller, Callers
    from shieldproxy.app.replay.past import Past

# Where the clock of a log begins: a bucket that is full at 0 was never used.
START = 1_000.0
# Logs with fewer bytes are read before another process has begun to.
WORTH_A_PROCESS = 4 << 20


class Taped(NamedTuple):
    """A log on tape, how many of its requests are there and how many were left out, and its first and last moment."""

    tape: Tape
    requests: int
    skipped: int
    first: float
    last: float


class Taper:
    """Takes the columns of a log in their order."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers
        self.tape = Tape()
        self.requests = self.skipped = 0
        self.first = self.last = 0.0

    def take(self, lines: Lines) -> None:
        """Take one block of lines."""
        callers = [self._callers.at(address, agent) for address, agent in lines.callers]
        times, who, what = array(MOMENT, lines.times), array(NUMBER, lines.who), array(NUMBER, lines.what)
        tell(callers, times, who, lines.looks)
        held, done = lines.held, lines.done
        strangers = {number for number, caller in enumerate(callers) if caller is None}
        if strangers or max(lines.looks, default=0) >= OWN:
            judged = [look < OWN and number not in strangers for number, look in zip(who, lines.looks, strict=True)]
            self.skipped += len(judged) - sum(judged)
            times, who = array(MOMENT, compress(times, judged)), array(NUMBER, compress(who, judged))
            what, held, done = (
                array(NUMBER, compress(what, judged)),
                bytes(compress(held, judged)),
                bytes(compress(done, judged)),
            )
        if not times:
            return
        if not self.requests:
            self.first = self.last = times[0]
        self.requests += len(times)
        late = self.first - START
        latest = list(accumulate(times, max, initial=self.last))
        self.last = latest[-1]
        moments = array(MOMENT, [moment - late for moment in latest[1:]])
        asks = [Ask(*ask) for ask in lines.asks]
        self.tape.write(Block(lines.callers, asks, moments, who, what, held, done))

    def finish(self) -> Taped:
        """Return what was taken. Whoever is a person passes from now on: a person who is challenged answers."""
        for session in self._callers.sessions.values():
            session.passes = session.person
        self._callers.strangers = 0
        return Taped(self.tape, self.requests, self.skipped, self.first, self.last)


def tell(callers: list[Caller | None], times: Iterable[float], who: Iterable[int], looks: bytes) -> None:
    """Let the sessions of ``callers`` hear of their requests."""
    sessions = [caller.session if caller is not None else None for caller in callers]
    for time, number, look in zip(times, who, looks, strict=True):
        if not look:
            continue
        session = sessions[number]
        if session is None:
            continue
        if look & PROVES:
            session.passes = True
        if not session.browses:
            kind = look & ~(PROVES | OWN)
            if kind:
                session.see(time, page=kind == PAGE)


def tape(past: Past, callers: Callers, own_path: str, *, referers: bool) -> Taped:
    """Read ``past`` once. ``own_path`` is where our own pages live. Raises UnreadableLogError."""
    taper = Taper(callers)
    lines = read(past, own_path.rstrip("/") + "/", referers=referers, apart=past.size() >= WORTH_A_PROCESS)
    try:
        for block in lines:
            taper.take(block)
        return taper.finish()
    except BaseException:
        lines.close()
        taper.tape.close()
        raise
