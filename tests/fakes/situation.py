"""How the site stands, as the test says."""

from __future__ import annotations

from shieldproxy.core.facts import Posture


class SetSituation:
    """Serves as Situation of core.ports: ``posture`` is whatever a test assigns."""

    def __init__(self, posture: Posture = Posture.CALM) -> None:
        self.posture = posture
