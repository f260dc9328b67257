"""Commands of the product, run as people run them, with what they took."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class Took(NamedTuple):
    """What one command took: seconds on the clock, of all processors, MiB at most; and what it wrote."""

    wall: float
    cpu: float
    peak: float
    said: str


class CommandError(Exception):
    """A command did not end well; the message holds what it said."""


# A process counts what it was forked from as its own memory, so a small one stands between.
BETWEEN = """import os, sys
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
told = f"{usage.ru_utime + usage.ru_stime} {usage.ru_maxrss / 1024} {os.waitstatus_to_exitcode(status)}"
os.write(int(sys.argv[1]), told.encode())"""


def run(config: Path, *arguments: str) -> Took:
    """Run ``shieldproxy`` with the configuration; raises CommandError when it fails."""
    command = [sys.executable, "-m", "shieldproxy", *arguments, "-c", str(config)]
    ours, theirs = os.pipe()
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", BETWEEN, str(theirs), *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        pass_fds=[theirs],
    )
    wall = time.monotonic() - began
    os.close(theirs)
    with os.fdopen(ours) as told:
        cpu, peak, status = told.read().split()
    if status != "0":
        raise CommandError(f"{' '.join(arguments)}: exit {status}: {done.stdout[-400:]}")
    return Took(wall, float(cpu), float(peak), done.stdout)


def median(config: Path, *arguments: str, rounds: int = 3) -> Took:
    """Run a command several times and return the round in the middle by its seconds."""
    found = sorted(run(config, *arguments) for _ in range(rounds))
    return found[len(found) // 2]
