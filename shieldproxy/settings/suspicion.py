"""Suspicion: the sum of weights at which a page is challenged, by posture."""

from __future__ import annotations

from dataclasses import dataclass

from shieldproxy.core.facts import Posture
from shieldproxy.settings.positions import Trail
from shieldproxy.settings.tables import Desk, setting
from shieldproxy.settings.values import integer

MOST_SUSPICION = 100_000


@dataclass(frozen=True, kw_only=True)
class Suspicion:
    """Thresholds by posture; None: taken from the one for calm."""

    calm: int = setting(100, integer(0, MOST_SUSPICION))
    elevated: int | None = setting(None, integer(0, MOST_SUSPICION))
    under_attack: int | None = setting(None, integer(0, MOST_SUSPICION))


def thresholds(desk: Desk, value: object, trail: Trail) -> tuple[tuple[Posture, int], ...]:
    """Return the suspicion at which a page is challenged, by posture.

    0 challenges every newcomer. One number is the threshold in calm; half of it holds when elevated, four tenths
    under attack.
    """
    if isinstance(value, dict):
        table = desk.read(Suspicion, value, trail)
    else:
        table = Suspicion(calm=integer(0, MOST_SUSPICION)(value))
    elevated = table.calm // 2 if table.elevated is None else table.elevated
    under_attack = table.calm * 4 // 10 if table.under_attack is None else table.under_attack
    under_attack = min(under_attack, elevated) if table.under_attack is None else under_attack
    if not table.calm >= elevated >= under_attack and desk.sound(trail):
        desk.note(
            trail, "it must not take more to be challenged under attack; allowed: calm >= elevated >= under_attack"
        )
    return ((Posture.CALM, table.calm), (Posture.ELEVATED, elevated), (Posture.UNDER_ATTACK, under_attack))
