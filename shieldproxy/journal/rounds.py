"""Rounds of sealing: what one is told, what it says it did, and how it can fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from shieldproxy.journal.timekeeping import ClockState


class SealError(Exception):
    """The log cannot be gone on with: what is there contradicts what was signed. The sentence says what to do."""


class BusyError(SealError):
    """Another process, the running node, has the log: it will seal what there is."""


class Sealed(NamedTuple):
    """What a round did; ``note`` is the signed checkpoint, '' when nothing was new. ``more`` waits for the next."""

    segments: int = 0
    records: int = 0
    note: str = ""
    more: int = 0
    problems: tuple[str, ...] = ()


class Circumstances(NamedTuple):
    """What a seal says of the moment: ``wall`` in unix seconds, how the clock is kept, and ``about`` the rest of it.

    ``about`` is what every manifest carries besides: software, databases with their dates.
    """

    wall: Callable[[], float]
    clock: Callable[[], ClockState | None]
    about: Callable[[], dict[str, Any]]
