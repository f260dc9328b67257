"""What all tests share: how long Hypothesis searches, a clock moved by hand and chance that counts."""

from __future__ import annotations

import signal

import pytest
from hypothesis import HealthCheck, settings

from tests.fakes.chance import CountedChance
from tests.fakes.clock import HandClock

# No deadline: two busy cores are slow without being wrong. A failure prints what reproduces it anywhere.
settings.register_profile(
    "house", deadline=None, max_examples=100, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
# For a night: pytest --hypothesis-profile=long
settings.register_profile("long", settings.get_profile("house"), max_examples=2_000)
settings.load_profile("house")

# A shell that starts the tests in the background has them, and every program they start, deaf to an interrupt
# (POSIX, 2.11), and tests that interrupt a program would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def clock() -> HandClock:
    """A clock that stands at 1000 s until a test moves it."""
    return HandClock()


@pytest.fixture
def chance() -> CountedChance:
    """Bytes that are never the same twice and always the same in each run."""
    return CountedChance()
