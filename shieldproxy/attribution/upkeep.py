"""Upkeep: the index and the ledger of episodes brought up to date, when asked a question or beside a serving node.

As a program it does so once, at the lowest priority and in little memory: ``python -m shieldproxy.attribution.upkeep``.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from shieldproxy.attribution.archive import Archive, open_archive
from shieldproxy.attribution.checkpoints import detect_on
from shieldproxy.attribution.courses import bounds
from shieldproxy.attribution.engine import LARGE, SMALL, Bounds
from shieldproxy.attribution.index import Index, Progress
from shieldproxy.attribution.ledger import Entry, compile_ledger, read_ledger, write_ledger
from shieldproxy.core.episodes import EpisodePolicy
from shieldproxy.core.record import rfc3339
from shieldproxy.core.usual import UsualPolicy

NICE = 19


class Found(NamedTuple):
    """The records of a journal, and its episodes."""

    archive: Archive
    ledger: list[Entry]


@contextlib.contextmanager
def find(directory: Path, policy: EpisodePolicy, now: float, within: Bounds = LARGE) -> Iterator[Found]:
    """Open the journal in ``directory`` and bring its ledger of episodes up to date."""
    index = Index(directory, lambda: now, within)
    before = read_ledger(directory)
    with open_archive(index) as archive:
        spans = detect_on(index, archive, policy, now)
        earliest = bounds(archive).first
        since = rfc3339(earliest / 1000) if earliest is not None else ""
        ledger = compile_ledger(archive, spans, before, policy, since)
        if ledger != before:
            with contextlib.suppress(OSError):  # who may only read the journal gets the same answer, later
                write_ledger(directory, ledger)
        yield Found(archive, ledger)


def keep_up(directory: Path, policy: EpisodePolicy, now: float) -> Progress:
    """Bring the index of the journal in ``directory`` up to date, and its ledger when that changed something.

    Raises OSError when the disk fails, duckdb.Error when the engine does.
    """
    done = Index(directory, lambda: now, SMALL).update()
    if done.files or done.removed:
        with find(directory, policy, now, SMALL):
            pass
    return done


def written(policy: EpisodePolicy) -> str:
    """Return ``policy`` as an argument of this program."""
    return json.dumps(policy)


def policy_of(text: str) -> EpisodePolicy:
    """Return the policy that ``written`` wrote."""
    usual, *rest = json.loads(text)
    return EpisodePolicy(UsualPolicy(*usual), *rest)


def give_way() -> None:
    """Leave the processors to everybody else, as far as the system lets a process do so."""
    os.nice(NICE)
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def main(arguments: list[str]) -> None:
    """Do it once: the directory of the journal, and the policy of episodes as ``written``."""
    give_way()
    directory, policy = arguments
    keep_up(Path(directory), policy_of(policy), time.time())  # noqa: TID251 - as a program it owns the clock


if __name__ == "__main__":
    main(sys.argv[1:])
