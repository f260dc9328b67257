"""The kernel's part, turn by turn, on the test's clock and with an offload that does what the test says."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from shieldproxy.core.addresses import Network
from shieldproxy.core.errors import OffloadError
from shieldproxy.core.facts import NetworkLabel
from shieldproxy.core.rules import Condition, Rule
from shieldproxy.core.verdict import Action
from shieldproxy.journal.filters import Filter
from shieldproxy.journal.reader import Reader
from shieldproxy.journal.segment_writer import SegmentWriter
from shieldproxy.journal.writer import Journal
from shieldproxy.offload.records import Shared
from shieldproxy.offload.sparing import Sparing
from shieldproxy.offload.twins import NoOffload
from shieldproxy.state.banlist import Entry, List
from shieldproxy.supervisor.dropped import WINDOW, Dropped
from shieldproxy.supervisor.kernel import LONGEST_BACKOFF, LOOK, SHARE, KernelBans, Orders
from shieldproxy.supervisor.own_journal import OwnJournal
from tests.fakes.clock import HandClock
from tests.fakes.offload import DictOffload
from tests.fakes.tallies import CountedTallies

# The wall clock of these tests is so far before the monotonic one.
WALL = 1_700_000_000.0


class Lines:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, dict[str, Any]]] = []

    def info(self, event: str, **fields: Any) -> None:
        self.said.append(("info", event, fields))

    def warning(self, event: str, **fields: Any) -> None:
        self.said.append(("warning", event, fields))

    def error(self, event: str, **fields: Any) -> None:
        self.said.append(("error", event, fields))

    def events(self) -> list[str]:
        return [event for _, event, _ in self.said]


class Node:
    """A node's list, and the kernel's part over it."""

    def __init__(self, folder: Path, clock: HandClock) -> None:
        self.clock = clock
        self.folder = folder
        self.entries: dict[str, Entry] = {}
        self.sparing = Sparing()
        self.offload = DictOffload()
        self.tallies = CountedTallies()
        self.log = Lines()
        numbers = itertools.count()
        segments = SegmentWriter(folder, "node-kernel.0", wall=time.time, monotonic=time.monotonic)
        journal = Journal(segments, monotonic=time.monotonic, report=lambda sentence: None)
        self.dropped = Dropped(label=self.label, next_id=lambda: str(next(numbers)))
        self.kernel = KernelBans(
            self.offload,
            orders=self.orders,
            dropped=self.dropped,
            journal=OwnJournal(journal, self.tallies),
            tallies=self.tallies,
            clock=clock,
            log=self.log,
        )

    def orders(self) -> Orders:
        now = self.clock()
        shared = Shared("2026-11-24T10:15:00.000000Z", "node-kernel")
        return Orders(tuple(self.entries.values()), self.sparing, WALL + now, now, shared)

    def label(self, address: str) -> NetworkLabel:
        return NetworkLabel(64500, "Example", "CH") if address.startswith("192.0.2.") else NetworkLabel()

    def ban(self, key: str, seconds: float = 100.0, which: List = List.BAN) -> None:
        self.entries[key] = Entry(which, key, WALL + self.clock() + seconds, "flood")

    async def turn(self, seconds: float = 1.0) -> None:
        self.clock.advance(seconds)
        await self.kernel.turn()

    def records(self) -> list[dict[str, Any]]:
        return list(Reader(self.folder).records(Filter()))


@pytest.fixture
def node(tmp_path: Path, clock: HandClock) -> Node:
    """A node with nobody banned."""
    return Node(tmp_path, clock)


async def test_bans_are_handed_over_by_difference(node: Node) -> None:
    """New ones come, ended and lifted ones go, a longer one takes the place of a shorter, and allowances are no bans."""
    node.ban("192.0.2.1", 100.0)
    node.ban("192.0.2.2", 1.5)
    node.ban("192.0.2.3", which=List.ALLOW)
    await node.turn()
    assert node.offload.calls[0] == "init"
    assert set(node.offload.there) == {"192.0.2.1", "192.0.2.2"}
    assert node.offload.there["192.0.2.1"].until == pytest.approx(1_100.0)
    node.ban("198.51.100.0/24")
    node.ban("192.0.2.1", 500.0)
    await node.turn()
    assert set(node.offload.there) == {"192.0.2.1", "198.51.100.0/24"}
    assert node.offload.there["192.0.2.1"].until == pytest.approx(1_501.0)
    del node.entries["192.0.2.1"]
    await node.turn()
    assert set(node.offload.there) == {"198.51.100.0/24"}
    assert node.kernel.elements == 1
    await node.kernel.stop()


async def test_who_is_spared_is_not_handed_over(node: Node) -> None:
    """Networks go with the order; whom a rule admits is left out here, and let go when the rule comes later."""
    friends: tuple[Network, ...] = ()
    node.ban("192.0.2.1")
    node.ban("198.51.100.1")
    await node.turn()
    assert set(node.offload.there) == {"192.0.2.1", "198.51.100.1"}
    rule = Rule("friends", Condition(asn=frozenset({64500})), Action.ADMIT)
    node.sparing = Sparing(friends, (rule,))
    await node.turn()
    assert set(node.offload.there) == {"198.51.100.1"}
    assert node.offload.spared == friends
    await node.kernel.stop()


async def test_a_second_without_news_is_not_looked_through(node: Node) -> None:
    """The same list and the same friends note nothing; an end that comes is noticed all the same."""
    asked: list[str] = []

    def label(address: str) -> NetworkLabel:
        asked.append(address)
        return NetworkLabel()

    node.sparing = Sparing((), (Rule("friends", Condition(asn=frozenset({64501})), Action.ADMIT),))
    node.dropped.label = label
    node.ban("192.0.2.1", 10.0)
    node.ban("192.0.2.2", 100.0)
    for _ in range(5):
        await node.turn()
    assert sorted(asked) == ["192.0.2.1", "192.0.2.2"]
    await node.turn(6.0)
    assert set(node.offload.there) == {"192.0.2.2"}
    await node.kernel.stop()


async def test_what_was_dropped_is_counted_and_written_down(node: Node) -> None:
    """One record a ban for ten seconds, with the weight of all looks, the label of the network and the cause."""
    node.ban("192.0.2.1")
    await node.turn()
    for _ in range(4):
        node.offload.dropped = {"192.0.2.1": 5}
        await node.turn(LOOK)
    await node.turn(WINDOW)
    await node.kernel.stop()
    (record,) = node.records()
    assert (record["client"], record["weight"], record["asn"]) == ("192.0.2.1", 20, 64500)
    assert (record["action"], record["stage"], record["rule"]) == ("drop", "banned", "offload")
    assert record["reasons"] == ["flood"]
    assert node.tallies.named["offload_dropped"] == 20


async def test_the_last_attempts_are_written_down_at_the_end(node: Node) -> None:
    """Stopping looks once more, takes the bans away, and leaves nothing uncounted."""
    node.ban("192.0.2.1")
    await node.turn()
    node.offload.dropped = {"192.0.2.1": 7}
    await node.kernel.stop()
    assert node.offload.calls[-3:] == ["collect_metrics", "collect_metrics", "shut_down"]
    assert [record["weight"] for record in node.records()] == [7]
    await node.turn()
    assert node.offload.calls[-1] == "shut_down", "after the end nothing is handed over"


async def test_an_error_is_counted_and_tried_again_later_and_later(node: Node) -> None:
    """Bans hold in memory; the log says so once a minute, and once when it is over."""
    node.ban("192.0.2.1", 1_000.0)
    node.offload.refusal = "nft: Error: Operation not permitted"
    attempts = []
    for _ in range(300):
        before = len(node.offload.calls)
        await node.turn()
        if len(node.offload.calls) > before:
            attempts.append(node.clock())
    waits = [after - before for before, after in itertools.pairwise(attempts)]
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, LONGEST_BACKOFF, LONGEST_BACKOFF, LONGEST_BACKOFF]
    assert node.tallies.named["offload_errors"] == len(attempts)
    assert 5 <= len(node.log.said) <= 6
    assert set(node.log.events()) == {"the kernel does not take bans, they hold in memory"}
    (problem,) = node.kernel.problems
    assert "Operation not permitted" in problem
    node.offload.refusal = ""
    await node.turn(LONGEST_BACKOFF)
    assert node.log.events()[-1] == "the kernel takes bans again"
    assert node.kernel.problems == ()
    assert set(node.offload.there) == {"192.0.2.1"}
    await node.kernel.stop()


async def test_a_kernel_that_fails_to_the_end_is_told_of(node: Node) -> None:
    """What stays and how it is taken away by hand; what was counted before is written down."""
    node.ban("192.0.2.1")
    await node.turn()
    node.offload.dropped = {"192.0.2.1": 2}
    await node.turn(LOOK)
    node.offload.refusal = "no"
    await node.kernel.stop()
    assert node.log.events() == [
        "what the kernel dropped last was not counted",
        "the kernel keeps its bans until they end",
    ]
    assert node.log.said[-1][2]["by_hand"] == "nft delete table inet shieldproxy"
    assert [record["weight"] for record in node.records()] == [2]


async def test_a_mistake_of_ours_at_the_end_does_not_keep_the_node_from_ending(node: Node) -> None:
    """It is logged with its traceback and the command that takes the table away."""
    await node.turn()

    def stumble() -> object:
        raise ZeroDivisionError

    node.offload.while_counting = stumble
    await node.kernel.stop()
    (said,) = node.log.said
    assert said[1] == "the kernel's part did not end in order"
    assert said[2]["by_hand"] == "nft delete table inet shieldproxy"


async def test_no_room_is_a_problem_that_is_told(node: Node) -> None:
    """Status and doctor show how many bans the kernel could not take."""
    await node.turn()
    node.offload.left_out = 3
    assert node.kernel.problems == ("offload: 3 bans found no room in the kernel; they hold in memory",)
    await node.kernel.stop()


async def test_the_loop_never_waits_for_the_kernel(node: Node) -> None:
    """While nft hangs, everything else in the process goes on."""
    held = threading.Event()
    node.offload.while_counting = lambda: held.wait(20.0)
    turning = asyncio.ensure_future(node.turn())
    for _ in range(100):
        await asyncio.sleep(0)
    assert not turning.done()
    held.set()
    await turning
    await node.kernel.stop()


async def test_reading_the_counters_takes_a_twentieth_of_the_time(node: Node) -> None:
    """With fifty thousand bans it takes a second; then it is done every twenty seconds."""
    node.offload.while_counting = lambda: node.clock.advance(1.0)
    looks = []
    for _ in range(100):
        await node.turn()
        if node.offload.calls[-1] == "collect_metrics":
            looks.append(node.clock())
    assert all(after - before >= SHARE for before, after in itertools.pairwise(looks))
    assert len(looks) >= 4
    await node.kernel.stop()


async def test_a_node_without_offload_does_nothing(tmp_path: Path, clock: HandClock) -> None:
    """No thread, no look at the list, no journal."""

    def refuse() -> Orders:
        raise OffloadError("asked")

    node = Node(tmp_path, clock)
    kernel = KernelBans(
        NoOffload(),
        orders=refuse,
        dropped=Dropped(label=node.label, next_id=str),
        journal=OwnJournal(
            Journal(SegmentWriter(tmp_path, "n.0", wall=clock, monotonic=clock), monotonic=clock, report=print),
            node.tallies,
        ),
        tallies=node.tallies,
        clock=clock,
        log=node.log,
    )
    await kernel.turn()
    await kernel.stop()
    assert (kernel.elements, kernel.problems, kernel.active) == (0, (), False)
