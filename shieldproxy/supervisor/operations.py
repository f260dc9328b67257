"""Operations: what the control room may ask of this node (the port ``control.node.Node``)."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

from shieldproxy import __version__
from shieldproxy.app.orders import Learn
from shieldproxy.control import node as port
from shieldproxy.core.facts import NetworkLabel
from shieldproxy.core.verdict import Action
from shieldproxy.intel.databases import Database, Databases
from shieldproxy.state.buckets import BucketTable
from shieldproxy.state.memory import Region
from shieldproxy.state.slots import SlotTable
from shieldproxy.supervisor.operators import is_network
from shieldproxy.supervisor.watch import by_action

if TYPE_CHECKING:
    from shieldproxy.core.addresses import Network
    from shieldproxy.state.banlist import Entry
    from shieldproxy.supervisor.node import Supervisor

ACTION_WORDS = tuple(action.word for action in Action)
UNKNOWN = NetworkLabel()


class Operations:
    """Answers from memory; all but ``reload`` at once."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._node = supervisor
        geo = supervisor.settings.geo
        self.databases = Databases(asn=geo.asn, country=geo.country)
        table = SlotTable(supervisor.memory.region(Region.BUCKETS), len(supervisor.workers))
        self._buckets = BucketTable(table, supervisor.memory.secret)

    def alive(self) -> bool:
        """Tell whether a worker lives."""
        return any(worker.alive for worker in self._node.workers)

    def ready(self) -> port.Readiness:
        """Tell whether the node takes traffic."""
        if self._node.draining:
            return port.Readiness(ready=False, why="the node is draining")
        if not self.alive():
            return port.Readiness(ready=False, why="no worker accepts")
        return port.Readiness(ready=True, why="; ".join(self._node.sharing.problems if self._node.sharing else ()))

    def status(self) -> port.Status:
        """Return the node in one view."""
        node, settings = self._node, self._node.settings
        return port.Status(
            version=__version__,
            node=node.name,
            pid=os.getpid(),
            uptime=time.monotonic() - node.started_at,
            mode=settings.server.mode.value,
            posture=node.watch.posture.value,
            posture_reason=node.watch.detected.reason,
            episode=node.watch.episodes.open,
            excess=node.watch.tightened(time.monotonic()),
            listen=node.places,
            origin=port.Origin(str(settings.origin.url), *node.origin),
            workers=sum(worker.alive for worker in node.workers),
            workers_wanted=len(node.workers),
            worker_restarts=sum(worker.restarts for worker in node.workers),
            requests=by_action(node.watch.totals),
            last_minute=node.watch.last_minute(),
            bans=len(node.operators.bans()),
            allowances=len(node.operators.allowances()),
            geo=self.geo(),
            journal=self._journal(),
            shared=self._shared(),
            policy=node.policy.digest,
            config=str(settings.source_path or "built-in defaults"),
            reload_refused=node.reload_refused,
            degraded=(
                *self.databases.problems,
                *node.kernel.problems,
                *(node.sharing.problems if node.sharing is not None else ()),
            ),
            waiting=node.waiting,
        )

    def _journal(self) -> port.JournalState:
        counters = self._node.watch.totals.counters
        return port.JournalState(
            str(self._node.settings.journal.directory),
            int(counters["journal_records"]),
            int(counters["journal_lost"]),
            next((problem for problem in self._node.hearing.problems.values() if problem), ""),
        )

    def _shared(self) -> port.SharedState:
        sharing = self._node.sharing
        if sharing is None:
            return port.SharedState()
        counts, server = sharing.counts, str(self._node.settings.nodes.server)
        return port.SharedState(server, sharing.up, counts["sent"], counts["taken"], sharing.waiting)

    def tallies(self) -> port.Tallies:
        """Return all counters."""
        totals = self._node.watch.totals
        counters, sharing = dict(totals.counters), self._node.sharing
        if sharing is not None:
            counters |= {f"shared_{name}": sharing.counts[name] for name in ("sent", "taken", "refused")}
            counters["shared_lost"] = sharing.lost
        return port.Tallies(
            requests=totals.requests,
            request_duration=port.Histogram(*totals.request_duration),
            origin_duration=port.Histogram(*totals.origin_duration),
            challenges=totals.challenges,
            bans=len(self._node.operators.bans()),
            buckets=self._buckets.occupancy(time.monotonic()).scopes,
            bucket_evictions=self._buckets.evictions,
            networks={asn: sum(counts) for asn, counts in totals.networks.items()},
            posture=self._node.watch.posture.value,
            episodes=self._node.watch.episodes.opened,
            journal_records=int(counters.pop("journal_records")),
            journal_lost=int(counters.pop("journal_lost")),
            geo_ages={database.kind: age_of(database) for database in self.databases.databases()},
            workers=sum(worker.alive for worker in self._node.workers),
            offloaded=self._node.kernel.elements,
            certificate_left=self._node.certificates.left(time.time()),
            shared_up=sharing.up is True if sharing is not None else None,
            others=counters | self._node.duties.line.counts(),
        )

    def top(self, count: int) -> port.Top:
        """Return the busiest networks of the last minute; 0 stands for all that no database knows."""
        busiest = sorted(self._node.watch.networks_last_minute().items(), key=lambda item: -sum(item[1]))
        networks = tuple(self._busy(asn, counts) for asn, counts in busiest[:count] if sum(counts))
        return port.Top(60.0, self._node.watch.last_minute(), networks)

    def _busy(self, asn: int, counts: tuple[int, ...]) -> port.BusyNetwork:
        label = self._node.hearing.networks.get(asn, UNKNOWN)
        return port.BusyNetwork(
            asn,
            label.as_name,
            label.network_class,
            label.country,
            requests=sum(counts),
            actions={word: count for word, count in zip(ACTION_WORDS, counts, strict=True) if count},
        )

    def bans(self) -> tuple[port.BanEntry, ...]:
        """Return the bans in force."""
        return tuple(ban_entry(entry) for entry in self._node.operators.bans())

    def ban(self, key: str, seconds: float, why: str) -> port.BanEntry:
        """Ban a client key or network."""
        entry = self._node.operators.ban(key, seconds, why)
        if is_network(entry.key):
            self._node.tell_banned()
        elif (held := self._node.operators.ban_of_client(entry.key)) is not None:
            self._node.tell(Learn(held))
        return ban_entry(entry)

    def unban(self, key: str) -> bool:
        """Lift the ban of exactly ``key``."""
        lifted = self._node.operators.unban(key)
        if is_network(key):
            self._node.tell_banned()
        return lifted

    def allowances(self) -> tuple[port.Allowance, ...]:
        """Return the allowances in force."""
        return tuple(allowance(entry) for entry in self._node.operators.allowances())

    def allow(self, key: str, seconds: float, why: str) -> port.Allowance:
        """Exempt a client key or network for a while."""
        entry = self._node.operators.allow(key, seconds, why)
        self._node.tell_allowed()
        return allowance(entry)

    def disallow(self, key: str) -> bool:
        """End the allowance of exactly ``key``."""
        ended = self._node.operators.disallow(key)
        self._node.tell_allowed()
        return ended

    def cohorts(self) -> tuple[port.CohortEntry, ...]:
        """Return the cohorts of the excess."""
        now = time.monotonic()
        return tuple(
            port.CohortEntry(
                cohort.trait,
                cohort.part,
                cohort.usual,
                max(0.0, now - cohort.since),
                max(0.0, cohort.until - now),
                cohort.applied,
                cohort.why_not,
            )
            for cohort in self._node.watch.cohorts()
        )

    def revoke(self, trait: str) -> bool:
        """End a cohort."""
        revoked = self._node.watch.revoke(trait)
        if revoked:
            self._node.log.warning("cohort revoked", trait=trait)
        return revoked

    def exempt(self) -> tuple[Network, ...]:
        """Return ``exempt.clients`` of the policy in force."""
        return self._node.settings.exempt.clients

    def trusted_proxies(self) -> tuple[Network, ...]:
        """Return ``server.trusted_proxies`` of the configuration in force."""
        return self._node.settings.server.trusted_proxies

    def geo(self) -> port.GeoState:
        """Return the databases in use and what is wrong with them."""
        return port.GeoState(
            tuple(
                port.GeoDatabase(
                    database.kind,
                    database.type,
                    database.origin,
                    str(database.path),
                    database.built.timestamp(),
                    age_of(database),
                    database.sha256,
                )
                for database in self.databases.databases()
            ),
            tuple(self.databases.problems),
        )

    async def refresh(self) -> None:
        """Look for databases that changed; workers, who see the same files, say so in the log."""
        await asyncio.to_thread(self.databases.refresh)

    async def reload(self, by: str = "") -> tuple[str, ...]:
        """Read the configuration again."""
        await self.refresh()
        return await self._node.reload(by)


def age_of(database: Database) -> float:
    """Return the seconds since a database was made."""
    return max(0.0, time.time() - database.built.timestamp())


def ban_entry(entry: Entry) -> port.BanEntry:
    """Return an entry of the list as operators see it."""
    return port.BanEntry(entry.key, remaining(entry), entry.why, entry.rung, entry.by, entry.node)


def allowance(entry: Entry) -> port.Allowance:
    """Return an entry of the list as operators see it."""
    return port.Allowance(entry.key, remaining(entry), entry.why, entry.node)


def remaining(entry: Entry) -> float:
    """Return the seconds an entry still holds."""
    return max(0.0, entry.until - time.time())
