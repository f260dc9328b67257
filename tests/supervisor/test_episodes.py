"""Live episodes: which attack is open, second by second, and that the journal says the same later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shieldproxy.attribution.archive import open_archive
from shieldproxy.attribution.detection import detect
from shieldproxy.attribution.index import Index
from shieldproxy.attribution.ledger import compile_ledger
from shieldproxy.core.episodes import EpisodePolicy
from shieldproxy.core.record import Record
from shieldproxy.core.stages import STAGE_NAMES
from shieldproxy.core.verdict import Action
from shieldproxy.state.tallies import WorkerTallies, bytes_for, read_totals
from shieldproxy.supervisor.episodes import LiveEpisodes, say_episode
from tests.attribution.conftest import attacker, citizen
from tests.fakes.records import TEN_FIFTEEN, write_journal
from tests.supervisor.prepared_node import ListLog

POLICY = EpisodePolicy()
ISSUED, PASSED = "challenges.proof-of-work.issued", "challenges.form.passed"


class Node:
    """One worker that counts, and live episodes that are told once a second."""

    def __init__(self, live: LiveEpisodes | None = None, start: float = TEN_FIFTEEN) -> None:
        self.cells = memoryview(bytearray(bytes_for(1)))
        self.worker = WorkerTallies(self.cells, 0)
        self.live = live or LiveEpisodes(POLICY)
        self.wall = start
        self._before = read_totals(self.cells)

    def second(self, people: int = 0, bots: int = 0, *, passed: int = 0, dropped: int = 0) -> str:
        """Let a second pass in which so many asked and bots were challenged; return the open episode."""
        for action, count in ((Action.ADMIT, people), (Action.CHALLENGE, bots)):
            for _ in range(count):
                self.worker.count_verdict(action, STAGE_NAMES.index("admit"), 100)
        self.worker.count(PASSED, passed)
        self.worker.count("offload_dropped", dropped)
        now = read_totals(self.cells)
        self.live.count(self._before, now, self.wall)
        self._before = now
        self.wall += 1.0
        return self.live.open

    def seconds(self, count: int, people: int = 0, bots: int = 0, **more: int) -> list[str]:
        """Let so many seconds pass, all alike."""
        return [self.second(people, bots, **more) for _ in range(count)]


def test_an_attack_is_open_within_half_a_minute_of_its_onset() -> None:
    """Wherever in a bucket it begins, from the thirtieth second after its first whole bucket on it has its ID."""
    for offset in range(10):
        node = Node()
        assert not any(node.seconds(600 + offset, 10))
        found = node.seconds(45, 10, 80)
        assert found[-1] == "E-2026-11-24-1"
        assert found.index("E-2026-11-24-1") <= 31


def test_it_is_over_some_minutes_after_its_end_and_the_next_has_the_next_number() -> None:
    """IDs are of the day and count up within it."""
    node = Node()
    node.seconds(600, 10)
    assert node.seconds(60, 10, 80)[-1] == "E-2026-11-24-1"
    assert node.seconds(1_200, 10)[-1] == ""
    node.seconds(1_800, 10)
    assert node.seconds(60, 10, 80)[-1] == "E-2026-11-24-2"
    assert node.live.opened == 2


def test_an_excess_is_over_half_a_minute_after_its_end_though_the_episode_is_open() -> None:
    """What is smoothed over minutes decides whether two waves are one, not how long visitors are held up."""
    node = Node()
    node.seconds(600, 10)
    assert not node.live.excess
    node.seconds(60, 10, 80)
    assert node.live.excess
    node.seconds(30, 10)
    assert node.live.open
    assert not node.live.excess


def test_opening_and_ending_are_said_once() -> None:
    """A line for each in the operational log, none in between."""
    node, log = Node(), ListLog()
    for people, bots in [(10, 0)] * 600 + [(10, 80)] * 60 + [(10, 0)] * 1_200:
        node.second(people, bots)
        say_episode(log, node.live)
    said = [fields for event, fields in log.said if event == "episode"]
    assert [(fields.get("id", ""), fields["state"]) for fields in said] == [("E-2026-11-24-1", "open"), ("", "over")]


def test_what_the_kernel_drops_counts_as_stopped() -> None:
    """An attack that the kernel keeps away goes on."""
    node = Node()
    node.seconds(600, 10)
    assert node.seconds(45, 10, dropped=80)[-1] != ""


def test_challenges_that_nobody_sees_stop_nobody() -> None:
    """In mode observe a crowd that would be challenged is no attack by that alone."""
    node = Node(LiveEpisodes(POLICY, observing=True))
    assert not any(node.seconds(600, 10, 20))
    node.live.adopt(POLICY, observing=False)
    assert node.seconds(60, 10, 20)[-1] != ""


def test_a_restart_in_the_middle_goes_on_with_the_same_episode() -> None:
    """The memory is a value: whoever starts from it knows the ID, and what is usual."""
    node = Node()
    node.seconds(600, 10)
    node.seconds(60, 10, 80)
    again = Node(LiveEpisodes(POLICY, node.live.detection), node.wall + 5.0)
    assert again.live.open == node.live.open != ""
    assert again.seconds(30, 10, 80)[-1] == node.live.open
    assert again.seconds(1_500, 10)[-1] == ""


def test_a_clock_that_is_set_back_blinds_nobody() -> None:
    """An hour back, and an attack is still open within half a minute."""
    node = Node()
    node.seconds(4_000, 10)
    node.wall -= 3_600.0
    assert not any(node.seconds(60, 10))
    assert node.seconds(45, 10, 80)[-1] != ""


def test_an_open_episode_survives_a_clock_that_is_set_back() -> None:
    """Its ID stays, and it ends as others do."""
    node = Node()
    node.seconds(600, 10)
    name = node.seconds(60, 10, 80)[-1]
    node.wall -= 3_600.0
    assert set(node.seconds(60, 10, 80)) == {name}
    assert node.seconds(1_500, 10)[-1] == ""


def journal_of(node: Node) -> Iterator[Record]:
    """Yield the records of a quarter of an hour with an attack in it, each with the ID that was open then."""
    for second in range(1_500):
        bots = 80 if 700 <= second < 790 else 0
        name = node.second(10, bots)
        for number in range(10):
            yield citizen(second + number / 100, second + number, episode=name)
        for number in range(bots):
            yield attacker(second + number / 100, second * 7 + number, episode=name)


@pytest.mark.parametrize("duckdb", [True, False])
def test_the_journal_gives_the_same_episode_later(tmp_path: Path, *, duckdb: bool) -> None:
    """Recomputed from the records: the same start, and the ID that the records were given."""
    node = Node()
    write_journal(tmp_path / "journal", list(journal_of(node)))
    live = node.live.detection.open or node.live.detection.closed[-1]
    index = Index(tmp_path / "journal", lambda: TEN_FIFTEEN + 86_400.0)
    with open_archive(index, duckdb=duckdb) as archive:
        (span,) = detect(archive, POLICY, TEN_FIFTEEN + 86_400.0)
        (entry,) = compile_ledger(archive, [span], [], POLICY, "2026-11-24T10:15:00.000000Z")
    assert span.start == live.start
    assert abs(span.end - live.end) <= POLICY.bucket
    assert entry["id"] == "E-2026-11-24-1"
