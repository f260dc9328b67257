"""Tightening: what workers count of newcomers becomes marks that every worker reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shieldproxy.core.excess import Deed, ExcessPolicy
from shieldproxy.core.facts import Posture, Tightening
from shieldproxy.core.posture import PosturePolicy
from shieldproxy.core.seasons import SITE, Seasons
from shieldproxy.guard.looks import ASKED, COHORT
from shieldproxy.guard.visits import EXCESS
from shieldproxy.oplog import MinuteLog
from shieldproxy.settings.reading import load
from shieldproxy.state.buckets import BucketTable
from shieldproxy.state.learned import Usual, read_usual
from shieldproxy.state.memory import NodeMemory, Region, Sizes
from shieldproxy.state.newcomers import WorkerNewcomers
from shieldproxy.state.seasons import leave_learned, read_seasons
from shieldproxy.state.situation import NodeSituation
from shieldproxy.state.slots import SlotTable
from shieldproxy.state.tallies import WorkerTallies
from shieldproxy.state.traits import WorkerTraits
from shieldproxy.supervisor.tightening import TOLD, Change, say_change, tightening_for
from shieldproxy.supervisor.watch import Watch, known_to, watch_for

BOTS, PEOPLE = 212_238, 3320
SEEN = {BOTS: ("path /?", "agent Chrome/79"), PEOPLE: ("path /", "agent Firefox/144")}


class Lines:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []

    def info(self, event: str, **fields: Any) -> None:
        """Keep it."""
        self.said.append((event, fields))

    warning = error = info


class Node:
    """A node's memory, one worker that counts, one that reads, and the watch between them."""

    def __init__(self, usual: Usual = Usual()) -> None:  # noqa: B008 - a frozen value
        self.memory = NodeMemory.create(Sizes(buckets=1_024, bans=64, spent=64, workers=2), bytes(32))
        self.newcomers = WorkerNewcomers(self.memory.region(Region.NEWCOMERS), 0)
        self.traits = WorkerTraits(self.memory.region(Region.TRAITS), 0)
        self.tallies = WorkerTallies(self.memory.region(Region.TALLIES), 0)
        marks = SlotTable(self.memory.region(Region.MARKS), 0)
        self.worker = NodeSituation(self.memory.region(Region.SITUATION), marks)
        self.slot = BucketTable(SlotTable(self.memory.region(Region.BUCKETS), 0), bytes(32)).slot
        self.tightening = tightening_for(self.memory, 1, ExcessPolicy(), 0.0, usual)
        situation = NodeSituation(self.memory.region(Region.SITUATION))
        self.watch = Watch(self.memory.region(Region.TALLIES), situation, PosturePolicy(), self.tightening, usual)
        self.now = 1_000.0

    def live(self, seconds: int, *, bots: int = 0) -> None:
        """Let seconds pass in which people read two pages with eight parts, and bots ask for so many pages."""
        for _ in range(seconds):
            for asn, deed, count in ((PEOPLE, Deed.PAGE, 2), (PEOPLE, Deed.PART, 8), (BOTS, Deed.PAGE, bots)):
                for _ in range(count):
                    self.newcomers.count(asn, deed)
                    if deed is Deed.PAGE:
                        self.traits.count(SEEN[asn])
                    self.tallies.count_verdict(0, 9, 100)
            self.traits.turn()
            self.now += 1.0
            self.watch.tick(self.now, self.now)

    def tight(self, asn: int) -> Tightening:
        """Return what a worker is told of a newcomer of a network."""
        return self.worker.tightening(self.slot(EXCESS, str(asn)), 1, self.now)


@pytest.fixture
def node() -> Node:
    """A node that has had a minute of people."""
    node = Node()
    node.live(60)
    return node


def test_a_flood_is_marked_within_three_seconds_and_people_are_not(node: Node) -> None:
    """Every worker reads the posture and whose newcomers are challenged."""
    node.live(3, bots=100)
    assert node.worker.posture is Posture.UNDER_ATTACK
    assert (node.tight(BOTS), node.tight(PEOPLE)) == (Tightening.NETWORK, Tightening.NONE)
    assert node.watch.tightened(node.now)[0].startswith("AS212238: ")


def test_after_the_flood_nobody_is_marked(node: Node) -> None:
    """Two minutes later the site is calm, and the mark is gone."""
    node.live(20, bots=100)
    node.live(120)
    assert node.worker.posture is Posture.CALM
    assert node.tight(BOTS) is Tightening.NONE
    assert node.watch.tightened(node.now) == ()


async def test_a_restart_in_mid_attack_takes_the_flood_for_what_it_is(node: Node, tmp_path: Path) -> None:
    """What was usual before it is read back, so the flood is no usual of the new node's."""
    node.live(30, bots=100)
    await node.watch.remember(tmp_path, MinuteLog(Lines(), lambda: 0.0))
    again = Node(read_usual(tmp_path)[0])
    again.live(4, bots=100)
    assert again.worker.posture is Posture.UNDER_ATTACK
    assert (again.tight(BOTS), again.tight(PEOPLE)) == (Tightening.NETWORK, Tightening.NONE)


async def test_a_node_that_saw_too_little_keeps_nothing(tmp_path: Path) -> None:
    """A first minute must not replace what earlier weeks knew."""
    node = Node()
    node.live(5)
    await node.watch.remember(tmp_path, MinuteLog(Lines(), lambda: 0.0))
    assert read_usual(tmp_path) == (Usual(), "")


def test_a_flood_upon_a_fresh_node_is_marked(node: Node) -> None:
    """Where nothing is known yet, a network that asks for pages without their parts is an attack by itself."""
    fresh = Node()
    fresh.live(4, bots=100)
    assert fresh.tight(BOTS) is Tightening.NETWORK
    assert fresh.tight(PEOPLE) is Tightening.NONE


def test_the_paths_of_the_flood_are_pointed_out(node: Node) -> None:
    """Newcomers on the front page are spared while the flood asks for something else."""
    node.live(3, bots=100)
    path = node.slot(ASKED, "path /?")
    assert not node.worker.spares(path, node.now)
    assert node.worker.spares(node.slot(ASKED, "path /"), node.now)


def test_a_cohort_is_marked_told_and_revoked(node: Node) -> None:
    """What the flood alone has is marked once enough calm was seen; an operator ends it with one word."""
    node.live(3, bots=100)
    assert "proposed" in node.tightening.cohorts()[0].words()
    node.live(120)
    node.live(1_600)
    node.live(3, bots=100)
    slots = (node.slot(COHORT, "agent Chrome/79"),)
    assert node.worker.cohort(slots, node.now) == 0
    assert any("agent Chrome/79: " in words for words in node.watch.tightened(node.now))
    assert node.tightening.revoke("agent Chrome/79")
    assert not node.tightening.revoke("agent Chrome/79")
    assert node.worker.cohort(slots, node.now) == -1
    node.live(1, bots=100)
    assert node.worker.cohort(slots, node.now) == -1


def test_changes_are_said_and_thousands_are_summed() -> None:
    """The log names some networks, counts the others, and says when it is everybody's."""
    log = Lines()
    say_change(log, None)
    say_change(log, Change(tuple(f"AS{asn}" for asn in range(TOLD + 3)), (64500,), everybody=True))
    say_change(log, Change(everybody=False))
    say_change(log, Change(cohorts=("agent x: 90% of the excess",), ended=("agent y",)))
    events = [event for event, _ in log.said]
    assert events.count("network in excess") == TOLD
    assert ("networks in excess", {"more": 3}) in log.said
    assert ("no longer in excess", {"networks": ["AS64500"]}) in log.said
    assert events[-4:-2] == ["all newcomers are challenged", "newcomers are no longer all challenged"]
    assert events[-2:] == ["cohort of the excess", "no longer a cohort"]


async def test_seasons_are_learned_in_calm_and_kept_over_a_restart(node: Node, tmp_path: Path) -> None:
    """Of the site, its networks and its paths; what was asked for in an attack is nobody's habit."""
    node.live(640)
    node.live(30, bots=100)
    await node.watch.remember(tmp_path, MinuteLog(Lines(), lambda: 0.0))
    kept, problem = read_seasons(tmp_path)
    assert problem == ""
    assert kept.usual(SITE, 0.0) == pytest.approx(2.0, rel=0.2)
    assert kept.usual(f"asn {PEOPLE}", 0.0) == pytest.approx(2.0, rel=0.1)
    assert kept.usual(f"asn {BOTS}", 0.0) < 0.6
    assert [key for key, _ in kept.heaviest("path")] == [text for text in SEEN[PEOPLE] if text.startswith("path ")]


async def test_what_was_learned_from_logs_is_taken_within_a_round(node: Node, tmp_path: Path) -> None:
    """In place of what the node knew; a network that is usually heavy at this hour is no excess then."""
    seasons = Seasons()
    for hour in range(30):
        seasons.learn({f"asn {BOTS}": 100.0 * 3_600}, hour * 3_600.0, 3_600.0)
    leave_learned(tmp_path, Usual(10.0, 2.0, 8.0, 3_600, 108_000.0, {PEOPLE: 2.0}), seasons)
    await node.watch.remember(tmp_path, MinuteLog(Lines(), lambda: 0.0))
    node.live(1)
    found = node.tightening.excess.baselines
    assert [found.usual(PEOPLE), found.usual(BOTS)] == pytest.approx([2.0, 100.0], rel=0.01)
    assert list((tmp_path / "learned").iterdir()) == []


def test_a_node_that_starts_takes_what_was_learned_from_logs(tmp_path: Path) -> None:
    """And says so; without it, what it kept itself, and what of that is damaged is said."""
    leave_learned(tmp_path, Usual(10.0, 2.0, 8.0, 3_600, 3_600.0, {PEOPLE: 2.0}), Seasons())
    log = Lines()
    assert known_to(tmp_path, log)[0].networks == {PEOPLE: 2.0}
    (tmp_path / "seasons.json").write_text("{")
    (tmp_path / "learned" / "usual.json").write_text("{")
    assert known_to(tmp_path, log)[0] == Usual()
    assert [event for event, _ in log.said] == [
        *("learned from logs", "what was learned from logs cannot be taken", "what was usual is lost"),
    ]


async def test_a_node_that_starts_knows_what_pages_have_in_common_in_calm(node: Node, tmp_path: Path) -> None:
    """It is kept each minute, and read by the next node from its state directory."""
    await node.watch.remember(tmp_path, MinuteLog(Lines(), lambda: 0.0))
    kept = node.tightening.calm()
    assert kept.pages[""] > 60.0
    again = watch_for(node.memory, 1, load(None, (f"state.directory='{tmp_path}'",)), Lines())
    assert again._tightening is not None
    found = again._tightening.calm()
    assert found.age == kept.age
    assert found.pages == pytest.approx(kept.pages, abs=0.01)
    (tmp_path / "calm.json").write_text("{")
    log = Lines()
    watch_for(node.memory, 1, load(None, (f"state.directory='{tmp_path}'",)), log)
    assert [event for event, _ in log.said] == ["what was usual is lost"]


async def test_workers_are_told_what_networks_usually_ask_for(node: Node, tmp_path: Path) -> None:
    """Each minute, those that ask often; one that fell silent is forgotten."""
    worker = NodeSituation(node.memory.region(Region.SITUATION), None, SlotTable(node.memory.region(Region.RATES), 0))
    await node.watch.remember(tmp_path, MinuteLog(Lines(), lambda: 0.0))
    assert worker.usual(node.slot(EXCESS, str(PEOPLE))) == pytest.approx(2.0, rel=0.1)
    assert worker.usual(node.slot(EXCESS, str(BOTS))) == 0.0
