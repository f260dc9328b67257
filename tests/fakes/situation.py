"""How the site stands, as the test says."""

from __future__ import annotations

from shieldproxy.core.facts import Posture, Tightening


class SetSituation:
    """Serves as Situation of core.ports: ``posture`` and ``tight`` are whatever a test assigns."""

    def __init__(self, posture: Posture = Posture.CALM) -> None:
        self.posture = posture
        self.tight = Tightening.NONE

    def tightening(self, network: int, client: int, now: float) -> Tightening:
        """Return ``tight`` for everybody, whoever asks."""
        return self.tight
