"""What is measured, as data. A new scenario is a new entry here, and a new shape where servers need other settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.addresses import CLAIMED_SPACE
from benchmarks.answers import ANSWER_PATH, foreign_answer, forged_answer
from benchmarks.floors import SUBJECT, Floor
from benchmarks.generators import Load
from benchmarks.plan import Via

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
    peer_status: int = 0
    """What peers answer to the same, where that differs."""
    floors: tuple[Floor, ...] = ()
    """What a change may not fall below: judged by ``--guard``."""
    targets: tuple[Floor, ...] = ()
    """What it shall be: told with the distance."""
    form: Callable[[str], str] | None = None
    """What is posted, made from the address of the server once it stands."""
    workers: int = 1

    def expected(self, server: str) -> int:
        """The status that is right for `server`."""
        return self.status if server == SUBJECT else self.peer_status or self.status

    def complaint(self, server: str, refused: int, requests: int) -> str:
        """What is wrong with the answers of a run; empty when they are what was asked for.

        Where the right status is above 399, at least 99 of 100 answers are, else at most 1 of 1000.
        """
        if not requests:
            return "nothing was answered"
        share = refused / requests
        wanted = self.expected(server) >= 400
        if wanted and share < 0.99:
            return f"only {share:.1%} were refused"
        if not wanted and share > 0.001:
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
            floors=(Floor("caddy", 1.5), Floor("nginx", 0.35)),
            targets=(Floor("nginx", 0.6), Floor("caddy", 3.0), Floor("aiohttp", 4.0)),
        ),
        Scenario(
            name="deny",
            title="deny by limit (429), journal on",
            shape="deny",
            load=Load(),
            status=429,
            floors=(Floor("nginx", 0.5),),
            targets=(Floor("nginx", 1.0),),
        ),
        Scenario(
            name="challenge",
            title="challenge page, each request from a new address; nginx serves the same bytes as a file",
            shape="challenge",
            load=Load(clients=CLAIMED_SPACE, via=Via.FORWARDED),
            status=503,
            peer_status=200,
            targets=(Floor("nginx", 0.7),),
        ),
        Scenario(
            name="forged",
            title="answers to a challenge with a forged signature, each from a new address",
            shape="answers",
            load=Load(path=ANSWER_PATH, clients=CLAIMED_SPACE, via=Via.FORWARDED),
            status=403,
            form=forged_answer,
        ),
        Scenario(
            name="foreign",
            title="a real puzzle answered by everybody else, each from a new address",
            shape="answers",
            load=Load(path=ANSWER_PATH, clients=CLAIMED_SPACE, via=Via.FORWARDED),
            status=403,
            form=foreign_answer,
        ),
    )
}
