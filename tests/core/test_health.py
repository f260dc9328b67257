"""Health: an origin that answers as always, slowly, or not at all."""

from __future__ import annotations

from shieldproxy.core.health import Health, felt


def lived(seconds: int, answers: int, each: float, failures: int = 0, health: Health | None = None) -> Health:
    """Return the health after so many seconds of answers that took ``each``."""
    found = health or Health()
    for _ in range(seconds):
        found = felt(found, answers, answers * each, failures, learning=not found.suffering)
    return found


def test_as_always_is_well() -> None:
    """A slow site that is always slow does not suffer."""
    assert not lived(600, 20, 1.5).suffering


def test_far_slower_than_usual_suffers() -> None:
    """Ten times the usual, for some seconds; a fast site that takes a tenth of a second does not yet."""
    usual = lived(600, 20, 0.05)
    assert lived(10, 20, 0.5, health=usual).suffering
    assert not lived(10, 20, 0.2, health=usual).suffering


def test_failures_are_suffering_when_they_are_many() -> None:
    """A tenth of all, and more than a few."""
    usual = lived(600, 50, 0.05)
    assert lived(20, 50, 0.05, failures=10, health=usual).suffering
    assert not lived(20, 50, 0.05, failures=1, health=usual).suffering


def test_it_recovers() -> None:
    """Half a minute of good answers and it is well."""
    ill = lived(10, 20, 3.0, failures=20, health=lived(600, 20, 0.05))
    assert ill.suffering
    assert not lived(30, 20, 0.05, health=ill).suffering


def test_silence_says_nothing() -> None:
    """A site that nobody asks is as it was."""
    assert not lived(60, 0, 0.0).suffering
