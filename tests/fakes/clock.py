"""A clock that only the test moves."""

from __future__ import annotations


class HandClock:
    """Serves as Monotonic and as WallClock of core.ports."""

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time as it stands."""
        return self.now

    def advance(self, seconds: float) -> float:
        """Move the clock on and return the new time; a monotonic clock never goes back."""
        assert seconds >= 0.0
        self.now += seconds
        return self.now

    def jump(self, now: float) -> None:
        """Set the clock, as NTP sets a wall clock: backwards too."""
        self.now = now
