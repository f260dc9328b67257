"""The detector's memory: kept in one file, read back whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shieldproxy.core.episodes import Detection, EpisodePolicy, Tally, observe
from shieldproxy.state.detections import FILE, MOST_BYTES, keep_detection, read_detection


def attacked() -> Detection:
    """Return what a detector knows in the middle of its second attack."""
    found = Detection()
    for number in range(800):
        flooded = number % 400 > 380
        found = observe(EpisodePolicy(), found, Tally(number * 10.0, 900 if flooded else 100, 800 * flooded))
    assert found.open is not None
    assert found.closed
    return found


def test_what_is_kept_is_read_back(tmp_path: Path) -> None:
    """A restart knows the usual of each hour, and the attack that goes on."""
    keep_detection(tmp_path, attacked())
    assert read_detection(tmp_path) == (attacked(), "")
    assert (tmp_path / FILE).stat().st_size < MOST_BYTES / 2


def test_nothing_kept_is_nothing_known(tmp_path: Path) -> None:
    """A first start knows of no attack, and nothing is wrong with that."""
    assert read_detection(tmp_path) == (Detection(), "")


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"detection": []},
        {"detection": [[[1.0], 0, 0, 0, 0, 0, 0], 0, 0, 0, 0, None, None, []]},
        {"detection": [[[1.0] * 96, 96, 0, 0, 0, 0, 0], 0, 0, 0, 0, None, None, []]},
        {"detection": [[[1.0] * 96, 0, 0, 0, 0, 0, 0], float("nan"), 0, 0, 0, None, None, []]},
        {"detection": [[[1.0] * 96, 0, 0, 0, 0, 0, 0], 0, 0, 0, 0, None, [1, 2], []]},
    ],
)
def test_a_damaged_file_costs_the_knowledge_and_never_the_start(tmp_path: Path, change: dict[str, object]) -> None:
    """It is named, and learning begins anew."""
    keep_detection(tmp_path, attacked())
    document = json.loads((tmp_path / FILE).read_text())
    (tmp_path / FILE).write_text(json.dumps(document | change))
    found, problem = read_detection(tmp_path)
    assert found == Detection()
    assert str(tmp_path / FILE) in problem
