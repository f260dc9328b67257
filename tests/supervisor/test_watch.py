"""The watch: what workers count becomes totals, a last minute and a posture that every worker reads."""

from __future__ import annotations

import pytest

from shieldproxy.core.facts import Posture
from shieldproxy.core.posture import PosturePolicy
from shieldproxy.core.stages import STAGE_NAMES
from shieldproxy.core.verdict import Action
from shieldproxy.state.memory import PAGE
from shieldproxy.state.situation import NodeSituation
from shieldproxy.state.tallies import WorkerTallies, bytes_for
from shieldproxy.supervisor.watch import MINUTE, Watch, by_action, ended_in

POLICY = PosturePolicy()
ISSUED, PASSED = "challenges.proof-of-work.issued", "challenges.form.passed"


class Site:
    """Two workers that count and a watch that reads them, second by second."""

    def __init__(self) -> None:
        cells = memoryview(bytearray(bytes_for(2)))
        situation = memoryview(bytearray(PAGE))
        self.workers = (WorkerTallies(cells, 0), WorkerTallies(cells, 1))
        self.situation = NodeSituation(situation)
        self.watch = Watch(cells, self.situation, POLICY)
        self.now = 1_000.0

    def second(self, requests: int, *, challenged: int = 0, answered: int = 0, action: Action = Action.ADMIT) -> bool:
        """Let a second pass in which so much happened, spread over the workers."""
        for number in range(requests):
            worker = self.workers[number % 2]
            worker.count_verdict(action, STAGE_NAMES.index("admit"), 100)
            worker.count_asn(64500 + number % 3, action)
        for name, count in ((ISSUED, challenged), (PASSED, answered)):
            self.workers[0].count(name, count)
        for worker in self.workers:
            worker.publish()
        self.now += 1.0
        return self.watch.tick(self.now, self.now)


@pytest.fixture
def site() -> Site:
    """A site that has had ten requests a second for a minute."""
    site = Site()
    for _ in range(MINUTE):
        site.second(10)
    return site


def test_workers_are_added_up(site: Site) -> None:
    """Totals are of the node, whichever worker counted."""
    assert by_action(site.watch.totals) == {"admit": 600, "challenge": 0, "throttle": 0, "refuse": 0, "drop": 0}
    assert site.watch.posture is Posture.CALM
    assert site.watch.detected.reason == "as usual"


def test_the_last_minute_is_a_minute(site: Site) -> None:
    """What is older than sixty seconds is in the totals only."""
    for _ in range(30):
        site.second(2, action=Action.THROTTLE)
    assert site.watch.last_minute() == {"admit": 300, "challenge": 0, "throttle": 60, "refuse": 0, "drop": 0}
    for _ in range(MINUTE):
        site.second(0)
    assert set(site.watch.last_minute().values()) == {0}
    assert by_action(site.watch.totals)["admit"] == 600


def test_the_busiest_networks_of_the_minute(site: Site) -> None:
    """A network that was busy before is listed by what it did in the last minute, by action."""
    for _ in range(MINUTE):
        site.second(0)
    site.second(3, action=Action.REFUSE)
    counts = site.watch.networks_last_minute()
    refused = [0] * len(Action)
    refused[Action.REFUSE] = 1
    assert counts == {64500: tuple(refused), 64501: tuple(refused), 64502: tuple(refused)}


def test_a_flood_nobody_answers_is_told_to_the_workers(site: Site) -> None:
    """The posture stands in the memory that every worker reads, with its reason, and the change is told once."""
    changes = [site.second(300, challenged=100) for _ in range(10)]
    assert sum(changes) >= 1
    assert site.situation.posture is Posture.UNDER_ATTACK
    assert site.watch.posture is Posture.UNDER_ATTACK
    assert "100% of challenges unanswered" in site.watch.detected.reason
    assert not site.second(300, challenged=100)


def test_a_crowd_that_answers_is_no_attack(site: Site) -> None:
    """Challenges passed count against it, whatever their kind."""
    for _ in range(10):
        site.second(300, challenged=100, answered=90)
    assert site.watch.posture is Posture.ELEVATED


def test_challenges_that_nobody_got_to_see_are_not_unanswered(site: Site) -> None:
    """In observe mode a verdict is only written down: an excess is an excess, and not an attack for that."""
    for _ in range(10):
        site.second(300, action=Action.CHALLENGE)
    assert site.watch.posture is Posture.ELEVATED


def test_calm_comes_back_to_the_workers_too(site: Site) -> None:
    """Two minutes after the flood all is as it was."""
    for _ in range(20):
        site.second(300, challenged=100)
    for _ in range(120):
        site.second(10)
    assert site.situation.posture is Posture.CALM


def test_results_are_counted_over_kinds() -> None:
    """A challenge is a challenge, by script or by form."""
    site = Site()
    site.workers[0].count("challenges.proof-of-work.passed", 2)
    site.workers[1].count("challenges.form.passed", 3)
    site.second(0)
    assert ended_in("passed", site.watch.totals) == 5
    assert ended_in("issued", site.watch.totals) == 0
