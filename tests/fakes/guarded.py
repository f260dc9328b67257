"""A guard wired as the product wires it, with fakes for what it remembers; for whatever stands at a door."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from shieldproxy.core.facts import Crawler, NetworkLabel
from shieldproxy.core.policy import Policy
from shieldproxy.guard.appearance import Appearance
from shieldproxy.guard.gate import Gate
from shieldproxy.guard.gathering import Gatherer
from shieldproxy.guard.guard import Guard
from shieldproxy.guard.phrasebook import Phrasebook
from shieldproxy.guard.replies import Replies
from shieldproxy.state.keys import KeyRing
from tests.fakes.bans import DictBans
from tests.fakes.buckets import DictBuckets
from tests.fakes.journal import ListJournal
from tests.fakes.networks import TableNetworks
from tests.fakes.newcomers import CountedNewcomers, CountedTraits
from tests.fakes.puzzles import DictPuzzles
from tests.fakes.situation import SetSituation
from tests.fakes.tallies import CountedTallies

OWN_PATH = "/.shieldproxy"


@dataclass
class Guarded:
    """The guard and everything a test may want to look at."""

    guard: Guard
    journal: ListJournal
    tallies: CountedTallies
    newcomers: CountedNewcomers
    bans: DictBans
    buckets: DictBuckets
    situation: SetSituation


def make_guard(policy: Policy, networks: Mapping[str, NetworkLabel] | None = None) -> Guarded:
    """Return a guard on the real clocks; a stage that raises fails the test."""
    found = Guarded(
        None,  # type: ignore[arg-type]  # made below, from its own parts
        ListJournal(),
        CountedTallies(),
        CountedNewcomers(),
        DictBans(),
        DictBuckets(),
        SetSituation(),
    )
    phrasebook = Phrasebook()
    replies = Replies(Appearance(), phrasebook)
    gate = Gate(
        policy.challenge,
        KeyRing((bytes(32),)),
        appearance=Appearance(),
        phrasebook=phrasebook,
        replies=replies,
        own_path=OWN_PATH,
        spent=DictPuzzles(),
        clock=time.time,
        chance=os.urandom,
    )
    numbers = itertools.count(1)
    found.guard = Guard(
        policy,
        gatherer=Gatherer(
            buckets=found.buckets,
            bans=found.bans,
            gate=gate,
            situation=found.situation,
            recognise=lambda _label, _agent: Crawler.NONE,
            own_path=OWN_PATH,
        ),
        gate=gate,
        replies=replies,
        networks=TableNetworks(networks or {}),
        buckets=found.buckets,
        bans=found.bans,
        journal=found.journal,
        tallies=found.tallies,
        newcomers=found.newcomers,
        traits=CountedTraits(),
        clock=time.monotonic,
        wall=time.time,
        node="test-0",
        next_id=lambda: f"id-{next(numbers)}",
        on_ban=lambda _ban, _visit: None,
        on_fault=lambda fault: pytest.fail(f"stage {fault.stage}: {fault.error}"),
    )
    return found
