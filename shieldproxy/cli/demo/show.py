"""The show: builds the stage, lets everybody play their part for a while, and returns what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

from shieldproxy.cli.demo import botnet, people, site
from shieldproxy.cli.demo.addresses import Ground, Snapshot, Wanted, survey
from shieldproxy.cli.demo.botnet import Bot
from shieldproxy.cli.demo.citizens import Citizen
from shieldproxy.cli.demo.flood import Flood
from shieldproxy.cli.demo.result import Played, Result, result_of
from shieldproxy.cli.demo.scoring import Scorer
from shieldproxy.cli.demo.stage import HERE, SITE, NodeProcess, Ports, Stage
from shieldproxy.cli.demo.view import Watcher
from shieldproxy.cli.demo.watching import Reporter
from shieldproxy.cli.demo.wire import Target
from shieldproxy.core.errors import StartError
from shieldproxy.journal.filters import Filter
from shieldproxy.journal.reader import Reader

# The date of the flood, so that every run draws the same addresses.
SEED = 20240117
# The flood comes after ten seconds, in a shorter show after a quarter of it.
CALM_SECONDS, CALM_SHARE = 10.0, 0.25
# What is left of the show at least when starting took long.
LEAST_SHARE = 0.75
# How long after the end somebody may still wait for an answer.
GRACE = 4.0


class Cast(NamedTuple):
    """Everybody who plays, and the operators of the networks they play from."""

    bots: Sequence[Bot]
    people: Sequence[people.Person]
    grounds: dict[int, Ground]


class Acts(NamedTuple):
    """When what happens: ``start`` on the monotonic clock, then seconds."""

    start: float
    seconds: float

    @property
    def calm(self) -> float:
        """How long it is calm."""
        return min(CALM_SECONDS, CALM_SHARE * self.seconds)

    @property
    def flood(self) -> float:
        """How long the flood rages."""
        return self.seconds - self.calm


class Show:
    """One run of the demo before a node that was launched."""

    def __init__(self, stage: Stage, ports: Ports, node: NodeProcess, watcher: Watcher) -> None:
        self._stage = stage
        self._ports = ports
        self._node = node
        self._watcher = watcher
        self._chance = Random(SEED)  # noqa: S311 - a play that is the same each time, nothing secret

    async def perform(self, deadline: float, seconds: float) -> Result:
        """Play until ``deadline`` and return the result; raises StartError when the node does not start or stay.

        On a machine where starting took long, the show still has the greater part of its ``seconds``.
        """
        snapshot = Snapshot()
        cast = assemble(snapshot, self._chance)
        attackers = frozenset(bot.address for bot in cast.bots)
        town = site.Site(attackers.__contains__)
        try:
            await town.open(HERE, self._ports.origin)
            await self._node.accepting()
            start = time.monotonic()
            acts = Acts(start, max(deadline - start, LEAST_SHARE * seconds))
            began = time.time() + acts.calm
            played = await self._play(cast, town, acts)
        finally:
            with patient():
                await self._node.stop()
                await town.close()
        scorer = Scorer(attackers, {person.address for person in cast.people}, began)
        score = scorer.read(Reader(self._stage.journal).records(Filter()))
        return result_of(self._stage, played, score)

    async def _play(self, cast: Cast, town: site.Site, acts: Acts) -> Played:
        clock, target = time.monotonic, Target(HERE, self._ports.shield, SITE)
        citizens = [
            Citizen(person, target, clock=clock, chance=Random(f"{SEED} {number}"))  # noqa: S311 - as above
            for number, person in enumerate(cast.people)
        ]
        accounts = [citizen.account for citizen in citizens]
        shots = botnet.schedule(cast.bots, acts.flood, self._chance)
        flood = Flood(shots, target, clock=clock, chance=self._chance)
        reporter = Reporter(self._stage, town, accounts, cast.grounds, len(cast.bots))
        try:
            async with asyncio.timeout(acts.seconds + GRACE), asyncio.TaskGroup() as group:
                group.create_task(self._watch(reporter, acts))
                group.create_task(flood.rage(acts.start + acts.calm))
                for citizen in citizens:
                    group.create_task(arrive(citizen, acts))
        except TimeoutError:
            pass  # somebody still waits for an answer: what they asked is in the journal
        except ExceptionGroup as trouble:
            raise trouble.exceptions[0] from None
        return Played(acts.seconds, acts.flood, cast.bots, accounts, flood.tally, dict(town.reached), town.most_busy)

    async def _watch(self, reporter: Reporter, acts: Acts) -> None:
        self._watcher.begin()
        try:
            async with reporter:
                while (at := time.monotonic() - acts.start) < acts.seconds:
                    if self._node.ended is not None:
                        raise StartError(f"the node ended with {self._node.ended}; see {self._stage.node_log}")
                    self._watcher.show(await reporter.scene(at, acts.seconds, at - acts.calm))
                    await asyncio.sleep(max(0.0, min(1.0, acts.start + acts.seconds - time.monotonic())))
        finally:
            self._watcher.end()


async def arrive(citizen: Citizen, acts: Acts) -> None:
    """Let a citizen come at their time and stay until the end."""
    await asyncio.sleep(citizen.account.person.role.arrives * acts.seconds)
    await citizen.live(acts.start + acts.seconds)


def assemble(snapshot: Snapshot, chance: Random) -> Cast:
    """Return everybody with addresses; the same for the same ``chance``. Raises StartError."""
    named = dict(zip((asn for asn, _ in botnet.NAMED), botnet.BLOCKS, strict=False))
    homes = people.operators()
    never = botnet.NEVER | frozenset(homes)
    wanted = Wanted(homes | named, botnet.BLOCKS[len(named) :], never)
    grounds = survey(snapshot.lookup, snapshot.classes, wanted, chance)
    fighting = {asn: grounds[asn] for asn in [*named, *(asn for asn in grounds if asn not in wanted.named)]}
    bots = botnet.muster(fighting, chance)
    cast = people.gather(grounds, snapshot, frozenset(bot.address for bot in bots), chance)
    return Cast(bots, cast, grounds)


@contextlib.contextmanager
def patient() -> Iterator[None]:
    """Let nobody interrupt: an impatient second Ctrl-C would leave the node behind."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
