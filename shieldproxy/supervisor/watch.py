"""The watch: once a second the node's tallies are read, the last minute kept, and the posture decided."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from shieldproxy.app.terms import excess_policy, posture_policy
from shieldproxy.core.episodes import EpisodePolicy
from shieldproxy.core.errors import StartError
from shieldproxy.core.facts import Posture
from shieldproxy.core.posture import Detected, Flow, PosturePolicy, Second, observe
from shieldproxy.core.verdict import Mode
from shieldproxy.settings.compiling import compile_episodes
from shieldproxy.state.calm import keep_calm, read_calm
from shieldproxy.state.detections import keep_detection, read_detection
from shieldproxy.state.learned import Usual, keep_usual, read_usual
from shieldproxy.state.memory import NodeMemory, Region
from shieldproxy.state.seasons import keep_seasons, read_seasons, take_learned
from shieldproxy.state.situation import NodeSituation
from shieldproxy.state.tallies import Totals, read_totals
from shieldproxy.supervisor.episodes import LiveEpisodes
from shieldproxy.supervisor.tightening import tightening_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from shieldproxy.core.cohorts import Cohort
    from shieldproxy.core.seasons import Seasons
    from shieldproxy.oplog import Log, MinuteLog
    from shieldproxy.settings.schema import Settings
    from shieldproxy.supervisor.tightening import Change, Tightening

MINUTE = 60
# What is usual is written down so often (seconds); more than this is not lost when the machine fails.
REMEMBER_ROUND = 60.0
# The seasons of a busy site are a megabyte, so these less often: after so many seconds that were looked at.
SEASONS_ROUND = 600.0


class Watch:
    """Reads what workers count and says how the site stands.

    ``tightening`` decides who is part of an excess (None: nobody is told apart); ``usual`` is what was learned before,
    ``episodes`` says which attack is open.
    """

    def __init__(  # noqa: PLR0913 - collaborators
        self,
        tallies: memoryview,
        situation: NodeSituation,
        policy: PosturePolicy,
        tightening: Tightening | None = None,
        usual: Usual | None = None,
        *,
        episodes: LiveEpisodes | None = None,
    ) -> None:
        self._tallies = tallies
        self._situation = situation
        self._policy = policy
        self._tightening = tightening
        self.episodes = episodes or LiveEpisodes(EpisodePolicy())
        self.change: Change | None = None
        known = usual or Usual()
        flow = Flow(usual_pages=known.pages, usual_parts=known.parts)
        self._detected = Detected(usual=known.requests, seen=known.seen, flow=flow)
        self._kept_at = tightening.seasons.lived if tightening is not None else 0.0
        self._minute: deque[Totals] = deque(maxlen=MINUTE + 1)
        self.totals = read_totals(tallies)
        self._minute.append(self.totals)

    @property
    def detected(self) -> Detected:
        """The posture and the reason for it."""
        return self._detected

    @property
    def posture(self) -> Posture:
        """The posture in force."""
        return self._detected.posture

    def tick(self, now: float, wall: float) -> bool:
        """Take the counts of one more second; True when the posture changed.

        ``now`` is seconds of a clock that does not go back, ``wall`` unix seconds, by which episodes are counted.
        """
        before, self.totals = self.totals, read_totals(self._tallies)
        self._minute.append(self.totals)
        second = Second(
            requests=sum(self.totals.requests.values()) - sum(before.requests.values()),
            # Given, not judged: in observe mode nobody gets to see one, so nobody can answer it.
            challenged=ended_in("issued", self.totals) - ended_in("issued", before),
            answered=ended_in("passed", self.totals) - ended_in("passed", before),
            episode=self.episodes.excess,
        )
        posture = self._detected.posture
        if self._tightening is not None:
            second = self._tightening.count(second, before, self.totals, posture, now)
        self._detected = observe(self._policy, self._detected, second, now)
        # Marks first: a worker that reads the new posture finds them.
        if self._tightening is not None:
            self.change = self._tightening.act(self._detected, now)
            self._tightening.learn(self._detected.posture, wall)
        self._situation.posture = self._detected.posture
        self.episodes.count(before, self.totals, wall)
        self._situation.episode = self.episodes.open
        return self._detected.posture is not posture

    def adopt(self, settings: Settings) -> None:
        """Decide by these settings from now on; what was learned stays."""
        posture = settings.posture
        self.episodes.adopt(compile_episodes(settings), observing=settings.server.mode is Mode.OBSERVE)
        self._policy = posture_policy(posture)
        if self._tightening is not None:
            self._tightening.adopt(excess_policy(posture), posture.sample)

    async def remember(self, directory: Path, minute: MinuteLog) -> None:
        """Keep in ``directory`` what was learned, once it says anything; a refusing disk is told to ``minute``.

        What was learned there from old logs meanwhile is taken in place of it, once the site is calm.
        """
        if self._tightening is not None:
            self._tightening.tell_usual()
        try:
            if self.posture is Posture.CALM:
                self._take(await asyncio.to_thread(take_learned, directory))
            usual = self.usual()
            if usual.seen < REMEMBER_ROUND:
                return
            await asyncio.to_thread(keep_usual, directory, usual)
            await self._keep_seasons(directory)
            if self._tightening is not None:
                await asyncio.to_thread(keep_calm, directory, self._tightening.calm())
            await asyncio.to_thread(keep_detection, directory, self.episodes.detection)
        except StartError as error:
            minute.warning("what is usual is not kept", why=str(error))

    def _take(self, learned: tuple[Usual, Seasons] | None) -> None:
        if learned is None or self._tightening is None:
            return
        usual, seasons = learned
        self._tightening.replace(usual, seasons)
        flow = self._detected.flow._replace(usual_pages=usual.pages, usual_parts=usual.parts)
        self._detected = self._detected._replace(usual=usual.requests, seen=usual.seen, flow=flow)

    async def _keep_seasons(self, directory: Path) -> None:
        if self._tightening is None or abs(self._tightening.seasons.lived - self._kept_at) < SEASONS_ROUND:
            return
        seasons = self._tightening.seasons
        self._kept_at = seasons.lived
        await asyncio.to_thread(keep_seasons, directory, seasons.kept())

    def usual(self) -> Usual:
        """Return what was learned, for keeping."""
        found = self._detected
        kept = Usual(found.usual, found.flow.usual_pages, found.flow.usual_parts, found.seen)
        if self._tightening is None:
            return kept
        baselines = self._tightening.excess.baselines
        return kept._replace(age=baselines.age, networks=baselines.rates())

    def tightened(self, now: float) -> tuple[str, ...]:
        """Return who is part of an excess, in words for people."""
        return () if self._tightening is None else self._tightening.words(now)

    def cohorts(self) -> tuple[Cohort, ...]:
        """Return what the excess shares, the greatest first."""
        return () if self._tightening is None else self._tightening.cohorts()

    def revoke(self, trait: str) -> bool:
        """End a cohort until the site has been calm again; False when there is none of that trait."""
        return self._tightening is not None and self._tightening.revoke(trait)

    def last_minute(self) -> dict[str, int]:
        """Return requests by action in the last minute."""
        first = by_action(self._minute[0])
        return {action: count - first[action] for action, count in by_action(self.totals).items()}

    def networks_last_minute(self) -> Mapping[int, tuple[int, ...]]:
        """Return requests by action of the heaviest ASNs in the last minute."""
        first = self._minute[0].networks
        return {
            asn: tuple(max(0, now - then) for now, then in zip(counts, first.get(asn, (0,) * len(counts)), strict=True))
            for asn, counts in self.totals.networks.items()
        }


def by_action(totals: Totals) -> dict[str, int]:
    """Return requests by action since the node started."""
    counts = dict.fromkeys(("admit", "challenge", "throttle", "refuse", "drop"), 0)
    for (action, _), count in totals.requests.items():
        counts[action] += count
    return counts


def ended_in(result: str, totals: Totals) -> int:
    """Return challenges that had ``result`` since the node started."""
    return sum(count for (_, found), count in totals.challenges.items() if found == result)


def watch_for(memory: NodeMemory, writer: int, settings: Settings, log: Log) -> Watch:
    """Return the watch of a node over its ``memory``, knowing what was kept; ``writer`` is its own number there."""
    usual, seasons = known_to(settings.state.directory, log)
    detection, problem = read_detection(settings.state.directory)
    if problem:
        log.warning("what was usual is lost", why=problem)
    observing = settings.server.mode is Mode.OBSERVE
    episodes = LiveEpisodes(compile_episodes(settings), detection, observing=observing)
    posture = settings.posture
    tightening = tightening_for(memory, writer, excess_policy(posture), posture.sample, usual, seasons)
    calm, problem = read_calm(settings.state.directory)
    if problem:
        log.warning("what was usual is lost", why=problem)
    tightening.know(calm)
    situation = NodeSituation(memory.region(Region.SITUATION))
    return Watch(
        memory.region(Region.TALLIES), situation, posture_policy(posture), tightening, usual, episodes=episodes
    )


def known_to(directory: Path, log: Log) -> tuple[Usual, Seasons]:
    """Return what is usual, as it was learned from old logs a moment ago, or else kept by the node before."""
    try:
        learned = take_learned(directory)
    except StartError as error:
        log.warning("what was learned from logs cannot be taken", why=str(error))
        learned = None
    if learned is not None:
        log.info("learned from logs", seconds=round(learned[1].lived), networks=len(learned[0].networks))
        return learned
    usual, lost = read_usual(directory)
    seasons, problem = read_seasons(directory)
    for why in filter(None, (lost, problem)):
        log.warning("what was usual is lost", why=why)
    return usual, seasons
