"""Operators' orders: in force at once for every worker, over restarts, and never undone by the ladder."""

from __future__ import annotations

from pathlib import Path

import pytest

from shieldproxy.core.errors import StartError
from shieldproxy.core.ladder import Ban
from shieldproxy.core.policy import BanPolicy
from shieldproxy.state.bans import BanTable
from shieldproxy.state.slots import SlotTable, bytes_for
from shieldproxy.supervisor.operators import FILE, Operators, is_network
from tests.fakes.clock import HandClock

SECRET = bytes(32)
POLICY = BanPolicy(ladder=(60.0, 600.0))
CLIENT = "192.0.2.7"


class Node:
    """A node's ban table, one of its workers, and what its operators ordered."""

    def __init__(self, directory: Path, wall: HandClock, clock: HandClock) -> None:
        self.wall, self.clock = wall, clock
        memory = memoryview(bytearray(bytes_for(64)))
        self.worker = BanTable(SlotTable(memory, 0), SECRET)
        self.operators = Operators(directory, SlotTable(memory, 1), SECRET, clock=clock, wall=wall)

    def pass_time(self, seconds: float) -> None:
        self.wall.advance(seconds)
        self.clock.advance(seconds)

    @property
    def banned(self) -> bool:
        """Whether a worker drops the client now."""
        return self.worker.find(CLIENT, CLIENT, self.clock()) is not None


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """A fresh node."""
    return Node(tmp_path, HandClock(1_800_000_000.0), HandClock())


def restarted(node: Node, directory: Path, pause: float = 5.0) -> Node:
    """Return the node of the same directory after a restart of the machine: the monotonic clock begins anew."""
    node.operators.save()
    return Node(directory, HandClock(node.wall() + pause), HandClock(10.0))


def test_a_ban_is_in_force_for_every_worker_at_once(node: Node) -> None:
    """What an operator orders is in the shared table before the order returns, for its time and no longer."""
    entry = node.operators.ban(CLIENT, 60.0, "scanner")
    assert node.banned
    assert (entry.key, entry.why, entry.by) == (CLIENT, "scanner", "operator")
    assert entry.until == node.wall() + 60.0
    assert [found.key for found in node.operators.bans()] == [CLIENT]
    node.pass_time(61.0)
    assert not node.banned
    assert node.operators.bans() == ()


def test_a_worker_learns_why(node: Node) -> None:
    """The table has no room for words: the ban as it is there, with its cause, is what workers are told."""
    node.operators.ban(CLIENT, 60.0, "scanner")
    held = node.operators.ban_of_client(CLIENT)
    assert held is not None
    node.worker.learn(held)
    found = node.worker.find(CLIENT, CLIENT, node.clock())
    assert found is not None
    assert found.cause == "scanner"
    assert node.operators.ban_of_client("192.0.2.8") is None


def test_a_ban_without_a_reason_says_whose_it_is(node: Node) -> None:
    """A list of bans never has an empty column."""
    assert node.operators.ban(CLIENT, 60.0, "").why == "by an operator"


def test_a_longer_ban_stays(node: Node) -> None:
    """A milder order never replaces a stricter one, whoever gave it."""
    node.operators.ban(CLIENT, 3_600.0, "for good reason")
    assert node.operators.ban(CLIENT, 60.0, "by mistake").why == "for good reason"
    node.operators.note_ladder(Ban(CLIENT, node.clock() + 60.0, "flood"), 60.0)
    (held,) = node.operators.bans()
    assert (held.why, held.by) == ("for good reason", "operator")
    node.pass_time(120.0)
    assert node.banned


def test_a_ban_of_the_ladder_is_listed_and_can_be_lifted(node: Node) -> None:
    """Workers impose, operators pardon: the ban ends at once and the next one begins at the first rung."""
    for _ in range(2):
        ban = node.worker.impose(POLICY, CLIENT, "flood", node.clock())
        node.operators.note_ladder(ban, POLICY.memory)
        node.pass_time(61.0)
    (entry,) = node.operators.bans()
    assert (entry.rung, entry.by, entry.why) == (1, "ladder", "flood")
    assert node.operators.unban(CLIENT)
    assert not node.banned
    assert node.operators.bans() == ()
    assert node.worker.impose(POLICY, CLIENT, "flood", node.clock()).rung == 0


def test_what_is_not_banned_cannot_be_lifted(node: Node) -> None:
    """The answer tells, so that a typo is noticed."""
    assert not node.operators.unban(CLIENT)


def test_a_ban_only_workers_know_can_be_lifted(node: Node) -> None:
    """Its report may still be on the way, or its list entry given way: the table decides."""
    node.worker.impose(POLICY, CLIENT, "flood", node.clock())
    assert node.operators.unban(CLIENT)
    assert not node.banned


def test_networks_are_told_apart_from_clients(node: Node) -> None:
    """A network's ban is for workers to look up, it has no slot; its time is on their clock."""
    node.operators.ban("203.0.113.0/24", 60.0, "rented")
    node.operators.ban(CLIENT, 60.0, "")
    (ban,) = node.operators.banned_networks()
    assert (ban.key, ban.cause, ban.until) == ("203.0.113.0/24", "rented", node.clock() + 60.0)
    assert node.operators.unban("203.0.113.0/24")
    assert node.operators.banned_networks() == ()


@pytest.mark.parametrize(
    ("key", "wide"),
    [
        ("192.0.2.7", False),
        ("2001:db8:1:2::/64", False),
        ("192.0.2.0/24", True),
        ("192.0.2.7/31", True),
        ("2001:db8::/48", True),
        ("2001:db8::/65", True),
    ],
)
def test_what_is_wider_than_a_client(key: str, wide: bool) -> None:  # noqa: FBT001 - a column of the table
    """One IPv4 address and one /64 are clients; everything else is looked up as a network."""
    assert is_network(key) is wide


def test_bans_outlive_a_restart(node: Node, tmp_path: Path) -> None:
    """They end at the same moment of the wall clock, also when the machine was started anew meanwhile."""
    node.operators.ban(CLIENT, 60.0, "scanner")
    node.operators.ban("203.0.113.0/24", 3_600.0, "rented")
    after = restarted(node, tmp_path, pause=20.0)
    assert after.banned
    assert [ban.key for ban in after.operators.banned_networks()] == ["203.0.113.0/24"]
    after.pass_time(41.0)
    assert not after.banned


def test_the_ladder_remembers_over_a_restart(node: Node, tmp_path: Path) -> None:
    """A ban that ended is forgotten by the list of bans, not by the ladder."""
    node.operators.note_ladder(node.worker.impose(POLICY, CLIENT, "flood", node.clock()), POLICY.memory)
    node.pass_time(61.0)
    after = restarted(node, tmp_path)
    assert not after.banned
    assert after.operators.bans() == ()
    assert after.worker.impose(POLICY, CLIENT, "flood", after.clock()).rung == 1


def test_an_allowance_holds_for_its_time(node: Node) -> None:
    """The sweep tells when one has ended, once, so that workers are told."""
    node.operators.allow(CLIENT, 60.0, "the mayor")
    assert [str(network) for network in node.operators.allowed()] == [f"{CLIENT}/32"]
    assert node.operators.sweep()
    assert not node.operators.sweep()
    node.pass_time(61.0)
    assert node.operators.sweep()
    assert node.operators.allowed() == ()
    assert not node.operators.sweep()


def test_an_allowance_can_be_ended(node: Node) -> None:
    """The answer tells whether there was one."""
    node.operators.allow("2001:db8:1:2::/64", 60.0, "")
    assert node.operators.disallow("2001:db8:1:2::/64")
    assert not node.operators.disallow("2001:db8:1:2::/64")
    assert node.operators.allowances() == ()


def test_an_order_is_on_disk_before_it_is_answered(node: Node, tmp_path: Path) -> None:
    """A crash right after the command keeps what was ordered."""
    node.operators.ban(CLIENT, 60.0, "scanner")
    assert "scanner" in (tmp_path / FILE).read_text()


def test_a_disk_that_refuses_keeps_nobody_from_banning(node: Node, tmp_path: Path) -> None:
    """The ban holds in memory, and reaches the disk when that takes it again."""
    (tmp_path / FILE).mkdir()
    node.operators.ban(CLIENT, 60.0, "scanner")
    assert node.banned
    assert not node.operators.save()
    (tmp_path / FILE).rmdir()
    assert node.operators.save()
    assert "scanner" in (tmp_path / FILE).read_text()


def test_a_list_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    """Better no start than one that has silently forgotten every ban; the file is named."""
    (tmp_path / FILE).mkdir()
    with pytest.raises(StartError, match=FILE):
        Node(tmp_path, HandClock(), HandClock())
