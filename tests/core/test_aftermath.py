"""Aftermath: whether a change hurts people who answered a challenge, or the site."""

from __future__ import annotations

import pytest

from shieldproxy.core.aftermath import Aftermath, AftermathPolicy, Fared, harm

CALM = Fared(cleared=1_000, refused=2, answers=5_000, errors=10)


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (Fared(1_000, 2, 5_000, 10), ""),
        (Fared(0, 0, 0, 0), ""),
        (Fared(100_000, 200, 500_000, 1_000), ""),
        (Fared(900, 19, 5_000, 10), ""),
        (Fared(900, 100, 5_000, 10), "of the requests of people who had answered a challenge 10.0% (before: 0.2%)"),
        (Fared(1_000, 2, 400, 100), "of the requests that reached the site 20.0% (before: 0.2%) failed"),
        (Fared(1_000, 2, 4_900, 100), ""),
    ],
)
def test_harm_is_a_share_that_rose(after: Fared, told: str) -> None:
    """More of everything is no harm, a handful says nothing, and what was as bad before was not the change."""
    found = harm(AftermathPolicy(), CALM, after)
    assert told in found
    assert bool(found) is bool(told)


def test_what_was_bad_before_is_not_the_change() -> None:
    """A site that failed every fifth request goes on failing every fifth."""
    bad = Fared(answers=800, errors=200)
    assert harm(AftermathPolicy(), bad, bad) == ""


class Change:
    """A watched node whose people and site fare as a test says."""

    def __init__(self) -> None:
        self.watch = Aftermath()
        self.fared, self.now = Fared(), 0.0
        self.undone = 0

    def live(self, seconds: int, each: Fared) -> list[str]:
        """Let seconds pass, each with so much; return what was said."""
        said = []
        for _ in range(seconds):
            self.now += 1.0
            self.fared = Fared(*(a + b for a, b in zip(self.fared, each, strict=True)))
            said.append(self.watch.look(self.fared, self.now))
        return [words for words in said if words]

    def undo(self) -> None:
        """Count."""
        self.undone += 1


GOOD, BAD = Fared(cleared=10, answers=20), Fared(cleared=5, refused=5, answers=20)


def test_a_change_that_hurts_is_undone_once() -> None:
    """Within seconds, and what follows is not held against the configuration that holds again."""
    change = Change()
    change.live(120, GOOD)
    change.watch.begin(change.fared, change.now, 300.0, change.undo)
    said = change.live(60, BAD)
    assert len(said) == 1
    assert change.undone == 1


def test_a_change_is_watched_for_its_time_and_no_longer() -> None:
    """What goes wrong an hour later has another cause."""
    change = Change()
    change.live(120, GOOD)
    change.watch.begin(change.fared, change.now, 300.0, change.undo)
    assert change.live(301, GOOD) == []
    assert change.live(60, BAD) == []
    assert change.undone == 0


def test_nothing_is_undone_where_nobody_watches() -> None:
    """With a span of nothing a reload stays, and without a change nothing is compared."""
    change = Change()
    assert change.live(60, BAD) == []
    change.watch.begin(change.fared, change.now, 0.0, change.undo)
    assert change.live(60, BAD) == []
    assert change.undone == 0
