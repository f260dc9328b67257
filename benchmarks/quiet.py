"""Whether the machine is quiet enough to measure, and waiting until it is."""

from __future__ import annotations

import time

from benchmarks.cores import machine_seconds

QUIET = 0.1
"""Cores that everything else may keep busy before the figures are called noisy."""
LOOK_SECONDS = 2.0  # long enough that one clock tick of 10 ms does not count


def busy_cores(seconds: float = LOOK_SECONDS) -> float:
    """How many cores the whole machine keeps busy while we do nothing for `seconds`."""
    before, began = machine_seconds(), time.monotonic()
    time.sleep(seconds)
    return (machine_seconds() - before) / (time.monotonic() - began)


def wait_for_quiet(patience: float) -> bool:
    """Waits at most `patience` seconds (0: not at all) until the machine is quiet, and says whether it is."""
    give_up = time.monotonic() + patience
    while time.monotonic() < give_up:
        if busy_cores(min(patience, LOOK_SECONDS)) <= QUIET:
            return True
    return False
