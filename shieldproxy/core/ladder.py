"""Bans: a short drop order with a cause, which grows each time the same client earns it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from shieldproxy.core.policy import BanPolicy


class Ban(NamedTuple):
    """A drop order: ``key`` is a client key or a network; ``until`` is seconds of the monotonic clock."""

    key: str
    until: float
    cause: str
    rung: int = 0


def duration(ladder: tuple[float, ...], rung: int) -> float:
    """Return how long the ban of ``rung`` lasts, in seconds; beyond the last rung the last one holds."""
    return ladder[min(max(rung, 0), len(ladder) - 1)]


def climb(policy: BanPolicy, key: str, *, previous_rung: int, now: float, cause: str) -> Ban:
    """Return the next ban of ``key``. ``previous_rung`` is -1 for a client never banned, or long forgotten."""
    rung = min(previous_rung + 1, len(policy.ladder) - 1)
    return Ban(key, now + duration(policy.ladder, rung), cause, rung)


def longer(first: Ban | None, second: Ban | None) -> Ban | None:
    """Return the ban that lasts longer: a milder order never replaces a stricter one."""
    if first is None or second is None:
        return first or second
    return second if second.until > first.until else first
