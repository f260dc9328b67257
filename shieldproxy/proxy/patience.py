"""Patience: how long a connection may make us wait, as two moments that the door's sweep compares with the clock.

No timer is started for a request: a moment is written down when the connection comes into another phase.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shieldproxy.core.ports import Monotonic
    from shieldproxy.proxy.terms import Terms

# At the end, whoever came just before has so long (seconds) to say what it wants: round trips of the slowest network.
LAST_CALL = 2.0


class Phase(IntEnum):
    """What we wait for."""

    FRESH = 0  # the first byte ever
    IDLE = 1  # the next request
    HEAD = 2  # the rest of a head
    BODY = 3  # the rest of a body
    OURSELVES = 4  # the origin, or ourselves: not the client
    TUNNEL = 5  # either side of a tunnel
    LEAVING = 6  # the end, after the last answer


# By names of this module: to ask an enumeration for a member costs five times as much (Python 3.11).
FRESH, IDLE, HEAD, BODY, OURSELVES, TUNNEL, LEAVING = Phase


class Patience:
    """The deadlines of one connection. ``since`` is when it came into a phase in which nobody needs it.

    ``deadline`` bounds what the client sends, ``write_deadline`` how long it does not take what we send.
    """

    __slots__ = ("_clock", "_credit", "deadline", "phase", "since", "write_deadline")

    def __init__(self, clock: Monotonic, terms: Terms) -> None:
        self._clock = clock
        self._credit = 0.0
        self.phase = FRESH
        self.since = clock()
        self.deadline = self.since + terms.header
        self.write_deadline = math.inf

    @property
    def idle(self) -> bool:
        """Whether nothing is under way: such a connection may be closed to make room."""
        return self.phase <= IDLE

    def over(self, now: float) -> bool:
        """Tell whether the client let us wait too long."""
        return self.deadline <= now or self.write_deadline <= now

    def begin(self, terms: Terms) -> None:
        """A request begins: its body has its whole credit, and what follows is another phase, even the same."""
        self.phase = OURSELVES
        self.deadline = math.inf
        self._credit = terms.body_idle

    def settle(self, phase: Phase, terms: Terms) -> None:
        """The connection is in ``phase`` from now on; one that stays where it is gains no time."""
        if phase is self.phase:
            return
        before, self.phase = self.phase, phase
        if phase is OURSELVES:
            if before is BODY:
                self._credit = max(0.0, self.deadline - self._clock())
            self.deadline = math.inf
            return
        now = self._clock()
        if phase is IDLE:
            self.since = now
            self.deadline = now + terms.idle
        elif phase is HEAD:
            self.deadline = now + terms.header
        elif phase is BODY:
            self.deadline = now + self._credit
        elif phase is TUNNEL:
            self.deadline = now + terms.tunnel_idle

    def hear(self, size: int, terms: Terms) -> None:
        """So many bytes of a body came: each buys time, up to ``body_idle``, so that a trickle does not last.

        A body that comes at ``body_rate`` on average may take as long as it likes, with pauses up to ``body_idle``.
        """
        if self.phase is BODY:
            most = self._clock() + terms.body_idle
            bought = self.deadline + size / terms.body_rate if terms.body_rate else most
            self.deadline = bought if bought < most else most

    def move(self, terms: Terms) -> None:
        """A tunnel carried something."""
        self.deadline = self._clock() + terms.tunnel_idle

    def renew(self, now: float, terms: Terms) -> None:
        """A request came and was answered in one step: the connection is idle anew."""
        self.phase = IDLE
        self.since = now
        self.deadline = now + terms.idle

    def leave(self, seconds: float) -> None:
        """Nothing more is expected of the client; ``seconds`` are left to it."""
        self.phase = LEAVING
        self.deadline = self._clock() + seconds

    def hurry(self, seconds: float) -> None:
        """The client has no more than ``seconds`` for what it owes us, from now."""
        self.deadline = min(self.deadline, self._clock() + seconds)

    def offer(self, terms: Terms) -> None:
        """The client does not take what we send."""
        self.write_deadline = self._clock() + terms.write

    def taken(self) -> None:
        """The client took enough of it."""
        self.write_deadline = math.inf
