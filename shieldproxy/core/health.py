"""Health: whether the origin suffers, by how long it takes and how often it fails, against its own usual. Pure."""

from __future__ import annotations

from typing import NamedTuple

# How much of one second counts, lately and as usual (five seconds, ten minutes).
LATELY, USUALLY = 0.2, 1.0 / 600.0
# Suffering is so many times slower than usual, and slower than this (seconds), or so large a share of failures.
SLOWER, SLOW = 3.0, 0.3
FAILING, FEW = 0.1, 2.0


class Health(NamedTuple):
    """Mean seconds of an answer, lately and usually; answers and failures a second, lately."""

    lately: float = 0.0
    usual: float = -1.0
    answers: float = 0.0
    failures: float = 0.0

    @property
    def suffering(self) -> bool:
        """Whether the origin is far slower than usual, or fails often."""
        if self.failures >= FEW and self.failures >= FAILING * (self.answers + self.failures):
            return True
        return self.usual >= 0.0 and self.lately > max(SLOW, SLOWER * self.usual)


def felt(health: Health, answers: int, seconds: float, failures: int, *, learning: bool) -> Health:
    """Return the health after a second with so many ``answers`` that took ``seconds`` together."""
    lately, usual = health.lately, health.usual
    if answers:
        mean = seconds / answers
        lately += (mean - lately) * LATELY if usual >= 0.0 else mean
        if usual < 0.0:
            usual = mean
        elif learning:
            usual += (mean - usual) * USUALLY
    return Health(
        lately,
        usual,
        health.answers + (answers - health.answers) * LATELY,
        health.failures + (failures - health.failures) * LATELY,
    )
