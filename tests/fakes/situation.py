"""How the site stands, as the test says."""

from __future__ import annotations

from shieldproxy.core.facts import Posture, Tightening


class SetSituation:
    """Serves as Situation of core.ports: ``posture`` and ``tight`` are whatever a test assigns."""

    def __init__(self, posture: Posture = Posture.CALM) -> None:
        self.posture = posture
        self.tight = Tightening.NONE
        self.spared: set[int] = set()
        self.cohorts: set[int] = set()
        self.rates: dict[int, float] = {}

    def tightening(self, network: int, client: int, now: float) -> Tightening:
        """Return ``tight`` for everybody, whoever asks."""
        return self.tight

    def cohort(self, traits: tuple[int, ...], now: float) -> int:
        """Return the first of ``traits`` that is among ``cohorts``."""
        return next((place for place, name in enumerate(traits) if name in self.cohorts), -1)

    def usual(self, network: int) -> float:
        """Return what ``rates`` says of a network."""
        return self.rates.get(network, 0.0)

    def spares(self, path: int, now: float) -> bool:
        """Tell whether ``path`` is among ``spared``."""
        return path in self.spared
