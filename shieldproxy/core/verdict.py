"""Verdicts: what is done with a request, which stage said so, and why."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import NamedTuple


class Action(IntEnum):
    """What is done with a request. Ordered: a milder action never replaces a stricter one."""

    ADMIT = 0
    CHALLENGE = 1
    THROTTLE = 2
    REFUSE = 3
    DROP = 4

    @property
    def word(self) -> str:
        """The action as configuration, records and metrics write it."""
        return self.name.lower()


ACTIONS = {action.word: action for action in Action}


class Mode(StrEnum):
    """Whether verdicts are acted upon or only written down."""

    ENFORCE = "enforce"
    OBSERVE = "observe"


class Side(StrEnum):
    """Whom an error belongs to. An error of the origin never counts against a client."""

    NONE = ""
    CLIENT = "client"
    ORIGIN = "origin"
    SHIELD = "shield"


class Verdict(NamedTuple):
    """The answer to one request.

    ``wait`` is seconds until another try makes sense (0: unknown). ``status`` is the HTTP status the answer
    carries when the request is not admitted. ``reasons`` are short words for people, strongest first.
    """

    action: Action
    stage: str
    rule: str = ""
    wait: float = 0.0
    status: int = 0
    reasons: tuple[str, ...] = ()
    suspicion: int = 0


def stricter(first: Verdict, second: Verdict) -> Verdict:
    """Return the stricter of two verdicts; of two alike the first."""
    return second if second.action > first.action else first
