"""Equipment: a guard and all that it needs in one process, wired: tables, databases, journal, gate."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from shieldproxy import oplog
from shieldproxy.app.identifiers import Identifiers
from shieldproxy.app.terms import appearance_of, policy_of
from shieldproxy.app.waiting_room import pass_seconds, waiting_room
from shieldproxy.core.audits import Audits
from shieldproxy.core.facts import Crawler
from shieldproxy.guard.gate import Gate
from shieldproxy.guard.gathering import Gatherer
from shieldproxy.guard.guard import Guard
from shieldproxy.guard.phrasebook import Phrasebook
from shieldproxy.guard.replies import Replies
from shieldproxy.intel.crawlers import claims, crawler
from shieldproxy.intel.databases import Databases
from shieldproxy.intel.networks import Networks
from shieldproxy.intel.resolving import Resolver
from shieldproxy.intel.robot_ranges import RobotRanges
from shieldproxy.intel.tables import read_classes
from shieldproxy.intel.witness import Witness
from shieldproxy.journal.segment_writer import Rotation, SegmentWriter
from shieldproxy.journal.segments import writer_name
from shieldproxy.journal.writer import Journal
from shieldproxy.state.bans import BanTable
from shieldproxy.state.buckets import BucketTable
from shieldproxy.state.keys import load_ring
from shieldproxy.state.memory import NodeMemory, Region
from shieldproxy.state.newcomers import WorkerNewcomers
from shieldproxy.state.situation import NodeSituation
from shieldproxy.state.slots import SlotTable
from shieldproxy.state.spent import SpentTable
from shieldproxy.state.tallies import WorkerTallies
from shieldproxy.state.traits import WorkerTraits

if TYPE_CHECKING:
    from collections.abc import Callable

    from shieldproxy.core.addresses import Network
    from shieldproxy.core.facts import NetworkLabel
    from shieldproxy.core.judge import Fault
    from shieldproxy.core.ladder import Ban
    from shieldproxy.guard.visits import Visit
    from shieldproxy.settings.schema import Settings


# What a network usually asks for is looked up anew for every client so often (seconds), where a limit is sized by it.
SIZED_ANEW = 600


class Equipment:
    """A guard with what it needs. ``index`` is the number of this process on the node whose ``memory`` it shares.

    ``on_ban`` hears of each ban that the ladder imposes. Raises StartError when keys or memory cannot be had.
    """

    def __init__(  # noqa: PLR0913 - what differs between processes
        self,
        settings: Settings,
        memory: NodeMemory,
        *,
        node: str,
        index: int,
        allowed: tuple[Network, ...],
        log: oplog.Log,
        on_ban: Callable[[Ban, Visit], None],
    ) -> None:
        self.settings = settings
        self._allowed = allowed
        self._log = log
        self.minute = oplog.MinuteLog(log, time.monotonic)
        self._on_ban = on_ban
        self._loop: asyncio.AbstractEventLoop | None = None
        self._identifiers = Identifiers(index, os.urandom(3))
        self._identifiers.tell_time(time.time())
        self._index = index
        self._ticks = 0
        self._journal_counts = (0, 0)
        self._wire_state(memory, index)
        self._wire_intel()
        self._wire_journal(node, index)
        self._wire_guard(f"{node}-{index}", memory)

    def _wire_state(self, memory: NodeMemory, index: int) -> None:
        secret = memory.secret
        scopes = {name: limit.scope for name, limit in self.settings.limits.items()}
        self.buckets = BucketTable(SlotTable(memory.region(Region.BUCKETS), index), secret, scopes)
        self.bans = BanTable(SlotTable(memory.region(Region.BANS), index), secret)
        spent = SlotTable(memory.region(Region.SPENT), index)
        self._spent = SpentTable(spent, secret, lock_file=memory.fd, lock_start=memory.lock_start(Region.SPENT))
        self.tallies = WorkerTallies(memory.region(Region.TALLIES), index)
        self.newcomers = WorkerNewcomers(memory.region(Region.NEWCOMERS), index)
        self.traits = WorkerTraits(memory.region(Region.TRAITS), index)
        marks = SlotTable(memory.region(Region.MARKS), index)
        rates = SlotTable(memory.region(Region.RATES), index)
        self._situation = NodeSituation(memory.region(Region.SITUATION), marks, rates)

    def _wire_intel(self) -> None:
        geo = self.settings.geo
        self._databases = Databases(asn=geo.asn, country=geo.country)
        self._ranges = RobotRanges(self.settings.state.directory)
        self._networks = Networks(self._databases, read_classes(), self._ranges.entries)
        resolver = Resolver(self.settings.robots.nameservers)
        self._witness = Witness(
            resolver.names_of,
            resolver.addresses_of,
            clock=time.monotonic,
            count=lambda result: self.tallies.count(f"robots_{result}"),
        )

    def _wire_journal(self, node: str, index: int) -> None:
        journal = self.settings.journal
        segments = SegmentWriter(
            journal.directory,
            writer_name(node, index),
            wall=time.time,
            monotonic=time.monotonic,
            rotation=Rotation(journal.segment, journal.segment_size),
            chance=os.urandom if journal.pseudonymise_after else None,
        )
        self._journal = Journal(
            segments, monotonic=time.monotonic, report=self._journal_problem_elsewhere, queue=journal.queue
        )

    def _wire_guard(self, name: str, memory: NodeMemory) -> None:
        settings, policy = self.settings, policy_of(self.settings, self._allowed)
        appearance, phrasebook = appearance_of(settings), Phrasebook()
        ring = load_ring(settings.state.directory, os.urandom)
        self._replies = Replies(appearance, phrasebook)
        self._gate = Gate(
            policy.challenge,
            ring,
            appearance=appearance,
            phrasebook=phrasebook,
            replies=self._replies,
            own_path=settings.server.own_path,
            spent=self._spent,
            clock=time.time,
            chance=os.urandom,
        )
        self.room = waiting_room(settings, memory, self._index, ring, appearance, phrasebook)
        self._gate.room = self.room
        gatherer = self._gatherer = Gatherer(
            buckets=self.buckets,
            bans=self.bans,
            gate=self._gate,
            situation=self._situation,
            recognise=crawler,
            claims=claims,
            testify=self._testify,
            own_path=settings.server.own_path,
            audits=Audits(os.urandom, settings.posture.audit),
        )
        self.guard = Guard(
            policy,
            gatherer=gatherer,
            gate=self._gate,
            replies=self._replies,
            networks=self._networks,
            buckets=self.buckets,
            bans=self.bans,
            journal=self._journal,
            tallies=self.tallies,
            newcomers=self.newcomers,
            traits=self.traits,
            clock=time.monotonic,
            wall=time.time,
            node=name,
            next_id=self._identifiers.next,
            on_ban=self._on_ban,
            on_fault=self._stage_raised,
        )

    # -- life -------------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Begin to write the journal; called in the event loop. Raises StartError when it cannot be written."""
        self._loop = asyncio.get_running_loop()
        self._journal.open()
        self._tell_news(self._databases.refresh())

    async def keep_time(self, then: Callable[[], None]) -> None:
        """Once a second, for ever: name the second, look at the table, show what was counted, look for new databases.

        ``then`` is called after each. Runs on the second, so that IDs name the second they were given in.
        """
        refresh_every = max(1, round(self.settings.geo.refresh))
        while True:
            await asyncio.sleep(1.0 - time.time() % 1.0)
            try:
                self._ticks += 1
                self._tick()
                then()
                if self._ticks % refresh_every == 0:
                    self._tell_news(await asyncio.to_thread(self._databases.refresh))
                    self._tell_news(self._adopt_ranges(await asyncio.to_thread(self._ranges.refresh)))
            except Exception as error:  # noqa: BLE001 - whatever it is, visitors are served, and the next second comes
                self.minute.error("a tick failed", exc_info=error)

    def _tick(self) -> None:
        self._identifiers.tell_time(time.time())
        self.guard.note_episode(self._situation.episode)
        self.buckets.refresh(time.monotonic())
        self._count_records()
        self.tallies.publish()
        self.newcomers.turn()
        self._witness.turn()
        self.traits.turn()
        if self._ticks % SIZED_ANEW == 0 and any(limit.auto for limit in self.settings.limits.values()):
            self.guard.forget_labels()

    def _count_records(self) -> None:
        """Bring what the journal counts into the tallies, which outlive this process."""
        written, lost = self._journal_counts
        self._journal_counts = self._journal.written, self._journal.lost
        self.tallies.count("journal_records", self._journal_counts[0] - written)
        self.tallies.count("journal_lost", self._journal_counts[1] - lost)

    def _testify(self, robot: str, address: str) -> Crawler:
        return self._witness.testify(robot, address) if self.settings.robots.reverse_dns else Crawler.NONE

    def _adopt_ranges(self, news: list[str]) -> list[str]:
        if news:
            self._networks.adopt_robots(self._ranges.entries)
        return news

    def _tell_news(self, news: list[str]) -> None:
        for line in news:
            # All processes of a node read the same files; one of them says so.
            if self._index == 0:
                self._log.warning("geo", said=line)
            self.guard.forget_labels()

    @property
    def journal_problem(self) -> str:
        """Why the journal cannot write at the moment; '' while it can."""
        return self._journal.problem

    def busy_networks(self) -> dict[int, NetworkLabel]:
        """Return what is known of the heaviest networks, by ASN, where it is still remembered."""
        met = self._networks.met
        return {asn: met[asn] for asn in self.tallies.heaviest() if asn in met}

    async def close(self) -> None:
        """Ask name servers nothing any more, write what waits, seal the journal's segment, show the last counts."""
        self._witness.close()
        await asyncio.to_thread(self._journal.close)
        self._count_records()
        self.tallies.publish()

    def heed(self, strained: Callable[[], bool]) -> None:
        """Challenge newcomers while ``strained`` says that the origin has no room for more of them."""
        self._gatherer.heed(strained)

    # -- orders -----------------------------------------------------------------------------------------------------

    def adopt(self, settings: Settings) -> None:
        """Judge by new settings from now on; what needs a restart stays as it was (docs/operating.md).

        Raises StartError when the keys cannot be read; then all stays as it was.
        """
        kept = replace(settings, journal=self.settings.journal, state=self.settings.state)
        policy, appearance = policy_of(kept, self._allowed), appearance_of(kept)
        ring = load_ring(kept.state.directory, os.urandom)
        self.settings = kept
        self.buckets.set_scopes({name: limit.scope for name, limit in kept.limits.items()})
        self._replies.adopt(appearance)
        self._gate.adopt(policy.challenge, ring, appearance)
        self.room.adopt(ring, appearance, pass_seconds(kept))
        self._gatherer.audits.adopt(kept.posture.audit)
        self.guard.adopt(policy)

    def allow(self, networks: tuple[Network, ...]) -> None:
        """Exempt ``networks``, and none of those that were exempt by an earlier call."""
        self._allowed = networks
        self.guard.adopt(policy_of(self.settings, networks))

    # -- what is heard ------------------------------------------------------------------------------------------------

    def _stage_raised(self, fault: Fault) -> None:
        self.minute.error("a stage raised and has no opinion", stage=fault.stage, error=fault.error)

    def _journal_problem_elsewhere(self, problem: str) -> None:
        """Hear a problem in the journal's thread and pass it to the loop's."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._journal_said, problem)

    def _journal_said(self, sentence: str) -> None:
        self.minute.error("journal", problem=sentence)
