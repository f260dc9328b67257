from __future__ import annotations

from pathlib import Path

import pytest

from shieldproxy.attribution.archive import open_archive
from shieldproxy.attribution.checkpoints import FILE, detect_on, keep, marks, restore
from shieldproxy.attribution.index import Index
from shieldproxy.core.episodes import Detection, EpisodePolicy, Tally, observe
from tests.attribution.conftest import attacker, flood
from tests.fakes.clock import HandClock
from tests.fakes.records import TEN_FIFTEEN, write_journal

POLICY = EpisodePolicy()
LATER = TEN_FIFTEEN + 3 * 86_400.0


@pytest.fixture
def later(flooded: Path) -> Index:
    """The index three days later."""
    return Index(flooded, HandClock(LATER))


def found(index: Index, policy: EpisodePolicy = POLICY) -> list[tuple[float, float]]:
    with open_archive(index) as archive:
        return [(span.start, span.end) for span in detect_on(index, archive, policy, LATER)]


def test_the_answer_is_the_same_with_and_without_a_checkpoint(later: Index) -> None:
    """A whole day is read once; what comes after goes on from its end."""
    first = found(later)
    assert first == [(TEN_FIFTEEN + 600.0, TEN_FIFTEEN + 720.0)]
    assert (later.folder / FILE).exists()
    (mark,) = marks(later.folder, POLICY)
    assert restore(later.folder / FILE, [mark])[0] == mark.end
    assert found(later) == first
    write_journal(later.directory, [record for n in range(2_000) for record in [attacker(86_400 + n / 60, n)]])
    assert found(later) == [*first, (TEN_FIFTEEN + 86_400.0, TEN_FIFTEEN + 86_440.0)]


def test_records_that_come_late_are_not_overlooked(later: Index) -> None:
    """A second node's journal for a day that was read already changes the answer."""
    found(later)
    write_journal(later.directory, flood(start=1_000, rate=60, calm=1_200), name="edge2.0")
    assert found(later) == [(TEN_FIFTEEN + 600.0, TEN_FIFTEEN + 1_120.0)]


def test_other_parameters_begin_anew(later: Index) -> None:
    """What was found by one set of parameters says nothing about another."""
    found(later)
    assert found(later, POLICY._replace(floor=1_000.0)) == []


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"digest": "x", "detection": []}'])
def test_a_broken_checkpoint_is_none(later: Index, text: str) -> None:
    """It costs time only."""
    first = found(later)
    (later.folder / FILE).write_text(text)
    assert found(later) == first


def test_the_memory_reads_back_as_it_was(later: Index) -> None:
    """Whatever is open or closed in it."""
    found(later)
    (mark,) = marks(later.folder, POLICY)
    detection = Detection()
    for number in range(200):
        stopped = 900 if number % 100 > 90 else 0
        detection = observe(POLICY, detection, Tally(number * 10.0, 100 + stopped, stopped))
        keep(later.folder / FILE, mark, detection)
        assert restore(later.folder / FILE, [mark]) == (mark.end, detection)
