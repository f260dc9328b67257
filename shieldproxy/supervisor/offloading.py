"""Offloading: a node's bans, doors, databases and journal are wired to what the kernel does for it."""

from __future__ import annotations

import ipaddress
import os
import socket
import time
from typing import TYPE_CHECKING

from shieldproxy.app.identifiers import Identifiers
from shieldproxy.core.facts import NetworkLabel
from shieldproxy.core.record import rfc3339
from shieldproxy.core.verdict import Mode
from shieldproxy.intel.networks import Networks
from shieldproxy.intel.tables import read_classes, read_robots
from shieldproxy.journal.segment_writer import Rotation, SegmentWriter
from shieldproxy.journal.writer import Journal
from shieldproxy.offload.claim import Claim
from shieldproxy.offload.nft import Nft, find_nft
from shieldproxy.offload.nftables import Nftables
from shieldproxy.offload.records import Shared
from shieldproxy.offload.scripts import Door
from shieldproxy.offload.sparing import sparing_of
from shieldproxy.offload.twins import DryRun, NoOffload
from shieldproxy.state.memory import Region
from shieldproxy.state.tallies import WorkerTallies
from shieldproxy.supervisor.dropped import Dropped
from shieldproxy.supervisor.kernel import KernelBans, Orders
from shieldproxy.supervisor.notary import node_part
from shieldproxy.supervisor.own_journal import OwnJournal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shieldproxy.core.ports import Offload
    from shieldproxy.supervisor.node import Supervisor


def kernel_bans(node: Supervisor) -> KernelBans:
    """Return what keeps the kernel's bans equal to those of ``node``, whose sockets are open and memory is made."""
    doors = doors_of(node.sockets[0])
    offloading = Offloading(node, doors)
    # The row after those of the workers is the supervisor's.
    tallies = WorkerTallies(node.memory.region(Region.TALLIES), len(node.sockets))
    return KernelBans(
        backend(node.settings.offload.backend, doors, node),
        orders=offloading.orders,
        dropped=Dropped(label=offloading.label, next_id=offloading.next_id),
        journal=OwnJournal(journal_of(node), tallies),
        tallies=tallies,
        clock=time.monotonic,
        log=node.log,
    )


def backend(name: str, doors: Sequence[Door], node: Supervisor) -> Offload:
    """Return the offload that the configuration calls ``name``."""
    if name == "none":
        return NoOffload()
    if all(ipaddress.ip_address(door.host).is_loopback for door in doors):
        node.log.warning("the kernel has nothing to drop: every address of server.listen is for this machine only")
    if name == "dry-run":
        if node.settings.server.client_address != "peer":
            node.log.warning(
                "visitors come through forwarders, so the kernel could stop nobody: this is only a rehearsal"
            )
        return DryRun(lambda script: node.log.info("offload would do", script=script.splitlines()), doors)
    return Nftables(Nft((find_nft(),)), doors, Claim())


def doors_of(sockets: Sequence[socket.socket]) -> list[Door]:
    """Return where TCP is accepted, with the ports that the system chose."""
    return [Door(*opened.getsockname()[:2]) for opened in sockets if opened.family in (socket.AF_INET, socket.AF_INET6)]


class Offloading:
    """What the kernel's part asks of the node, turn after turn."""

    def __init__(self, node: Supervisor, doors: Sequence[Door]) -> None:
        ports = {door.port for door in doors}
        self._node = node
        self._port = ports.pop() if len(ports) == 1 else 0
        self._identifiers = Identifiers(len(node.sockets), os.urandom(3))
        self._networks: Networks | None = None

    def orders(self) -> Orders:
        """Return the node's list and whom to spare. What observes drops nobody; a dry run may say what would be."""
        node, wall, now = self._node, time.time(), time.monotonic()
        settings, policy = node.settings, node.policy
        idle = settings.server.mode is Mode.OBSERVE and settings.offload.backend != "dry-run"
        self._identifiers.tell_time(wall)
        shared = Shared(
            rfc3339(wall),
            kernel_name(node),
            policy.digest,
            node.operations.databases.version,
            node.watch.posture.value,
            self._port,
            node.watch.episodes.open,
        )
        entries = () if idle else node.operators.snapshot()
        return Orders(entries, sparing_of(policy, settings.server.trusted_proxies), wall, now, shared)

    def label(self, address: str) -> NetworkLabel:
        """Return what is known of an address. For the kernel's thread: it has answers of its own."""
        if self._networks is None:
            self._networks = Networks(self._node.operations.databases, read_classes(), read_robots())
        return self._networks.label(address)

    def next_id(self) -> str:
        """Return an ID for a record."""
        return self._identifiers.next()


def journal_of(node: Supervisor) -> Journal:
    """Return the supervisor's writer, not opened yet."""
    journal = node.settings.journal
    segments = SegmentWriter(
        journal.directory,
        # Beside node.0, node.1 of its workers, so that the node seals it like theirs.
        f"{node_part(node.name)}.kernel",
        wall=time.time,
        monotonic=time.monotonic,
        rotation=Rotation(journal.segment, journal.segment_size),
    )

    def report(sentence: str) -> None:
        node.log.error("journal", problem=sentence)

    return Journal(segments, monotonic=time.monotonic, report=report, queue=journal.queue)


def kernel_name(node: Supervisor) -> str:
    """Return how records name the kernel of ``node``, as they name its workers ``node-0``, ``node-1``."""
    return f"{node.name}-kernel"
