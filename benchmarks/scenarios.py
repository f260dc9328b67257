"""What is measured, as data. A new scenario is a new entry here, and a new shape where servers need other settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.floors import Floor
from benchmarks.generators import Load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.peers.peer import Shape


@dataclass(frozen=True, slots=True)
class Scenario:
    """One question put to every server that can answer it."""

    name: str
    title: str
    shape: Shape
    load: Load
    status: int
    """What a single request is answered with while the load runs; checked before and after."""
    refused: bool
    """Whether the load is to be refused: then at least 99 of 100 answers are above 399, else at most 1 of 1000."""
    floors: tuple[Floor, ...] = ()
    workers: int = 1

    def complaint(self, refused: int, requests: int) -> str:
        """What is wrong with the answers of a run; empty when they are what was asked for."""
        if not requests:
            return "nothing was answered"
        share = refused / requests
        if self.refused and share < 0.99:
            return f"only {share:.1%} were refused"
        if not self.refused and share > 0.001:
            return f"{share:.1%} were refused"
        return ""


SCENARIOS: Mapping[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            name="pass",
            title="pass to the origin, all default stages, journal on",
            shape="pass",
            load=Load(),
            status=200,
            refused=False,
            floors=(Floor("caddy", 1.5), Floor("nginx", 0.35)),
        ),
        Scenario(
            name="deny",
            title="deny by limit (429), journal on",
            shape="deny",
            load=Load(),
            status=429,
            refused=True,
            floors=(Floor("nginx", 0.5),),
        ),
    )
}
