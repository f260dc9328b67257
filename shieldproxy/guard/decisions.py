"""Decisions: a verdict on its way from judgement to record, and the outcome that completes it."""

from __future__ import annotations

from typing import NamedTuple

from shieldproxy.core.facts import Facts
from shieldproxy.core.verdict import Action, Side, Verdict
from shieldproxy.guard.visits import Peer, Visit

# By a name of this module: to ask an enumeration for a member costs five times as much (Python 3.11).
ADMIT, ORIGIN = Action.ADMIT, Side.ORIGIN


class Outcome(NamedTuple):
    """How an exchange ended. ``duration_us`` is microseconds from head to end; ``side`` whom a failure belongs to."""

    status: int
    bytes_in: int = 0
    bytes_out: int = 0
    duration_us: int = 0
    side: Side = Side.NONE
    challenge: str = ""


class Decision(NamedTuple):
    """One judged request. ``id`` is what a visitor sees and ``explain`` takes.

    ``own`` marks what we answer ourselves once its body is here: our own paths, and forms that are kept.
    ``policy`` is the digest of what it was judged by: another may be in force when the answer ends.
    """

    id: str
    peer: Peer
    visit: Visit
    facts: Facts
    verdict: Verdict
    enforced: bool
    own: bool = False
    policy: str = ""

    @property
    def admitted(self) -> bool:
        """Whether the request goes on: admitted, or only observed."""
        return self.verdict.action is ADMIT or not self.enforced
