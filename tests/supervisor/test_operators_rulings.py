"""Operators' orders among several nodes: told once, taken from others like our own, ended by whoever ends them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shieldproxy.core.ladder import Ban
from shieldproxy.core.policy import BanPolicy
from shieldproxy.core.rulings import Ruling
from shieldproxy.state.bans import BanTable
from shieldproxy.state.slots import SlotTable, bytes_for
from shieldproxy.supervisor.operators import Operators, entry_from, ruling_of
from tests.fakes.clock import HandClock

WALL = 1_800_000_000.0
CLIENT = "192.0.2.7"
LADDER = BanPolicy(ladder=(60.0, 600.0))


class Lists:
    """One node's lists, its worker, and what it told."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.wall = HandClock(), HandClock(WALL)
        memory = memoryview(bytearray(bytes_for(64)))
        self.worker = BanTable(SlotTable(memory, 0), bytes(32))
        self.operators = Operators(folder, SlotTable(memory, 1), bytes(32), clock=self.clock, wall=self.wall)
        self.told: list[Ruling] = []
        self.operators.tell = self.told.append

    @property
    def banned(self) -> bool:
        return self.worker.find(CLIENT, CLIENT, self.clock()) is not None


@pytest.fixture
def lists(tmp_path: Path) -> Lists:
    """A node that has ruled nothing yet."""
    return Lists(tmp_path)


def other(**changes: Any) -> Ruling:
    """Return a ruling of another node."""
    ruling = Ruling("ban", CLIENT, int(WALL * 1_000), WALL + 600.0, "other", why="scanner")
    return ruling._replace(**changes)


def test_what_is_ruled_here_is_told(lists: Lists) -> None:
    """Orders, the ladder's bans and ends, each in its moment; what changed nothing is not told."""
    lists.operators.ban(CLIENT, 600.0, "scanner")
    lists.operators.ban(CLIENT, 60.0, "shorter")
    lists.operators.note_ladder(Ban("192.0.2.8", lists.clock() + 60.0, "flood", 1), 3_600.0)
    lists.operators.allow("192.0.2.9", 60.0, "the mayor")
    lists.operators.disallow("192.0.2.9")
    lists.operators.unban(CLIENT)
    lists.operators.unban("192.0.2.10")
    found = [(str(one.list), one.key, one.ends, one.by, one.rung) for one in lists.told]
    assert found == [
        ("ban", CLIENT, False, "operator", 0),
        ("ban", "192.0.2.8", False, "ladder", 1),
        ("allow", "192.0.2.9", False, "operator", 0),
        ("allow", "192.0.2.9", True, "operator", 0),
        ("ban", CLIENT, True, "operator", 0),
    ]
    assert [one.made - WALL * 1_000 for one in lists.told] == [0, 0, 0, 1, 1]
    assert lists.told[1].remembered == WALL + 3_660.0


def test_a_ban_of_another_is_in_force_like_ours_and_not_told_again(lists: Lists) -> None:
    """In the table of the workers, on the list, on disk, with whoever ruled; the same again changes nothing."""
    assert lists.operators.receive(other())
    assert not lists.operators.receive(other())
    assert lists.banned
    (entry,) = lists.operators.bans()
    assert (entry.node, entry.why, ruling_of(entry)) == ("other", "scanner", other())
    assert entry_from(other()) == entry
    assert lists.told == []
    assert list(lists.operators.own()) == []
    lists.clock.advance(601.0)
    assert not lists.banned


def test_the_ladder_goes_on_where_another_node_left_it(lists: Lists) -> None:
    """Whoever was banned there climbs to the next rung here."""
    lists.operators.receive(other(by="ladder", until=WALL + 10.0, rung=0, remembered=WALL + 3_600.0))
    lists.clock.advance(11.0)
    assert lists.worker.impose(LADDER, CLIENT, "flood", lists.clock()).rung == 1


def test_an_end_lifts_what_was_ruled_before_it_alone(lists: Lists) -> None:
    """Also from the table; an older ban that arrives later stays away, a newer one holds."""
    lists.operators.receive(other())
    assert lists.operators.receive(other(ends=True, made=int(WALL * 1_000) + 5))
    assert not lists.banned
    assert not lists.operators.receive(other(made=int(WALL * 1_000) + 4))
    assert not lists.banned
    assert lists.operators.receive(other(made=int(WALL * 1_000) + 6))
    assert lists.banned
    assert not lists.operators.receive(other(ends=True, made=int(WALL * 1_000) + 5))
    assert lists.banned


def test_an_order_here_comes_after_all_that_is_known(lists: Lists) -> None:
    """A node with a fast clock cannot make a ban that is not to be lifted."""
    ahead = int(WALL * 1_000) + 300_000
    lists.operators.receive(other(made=ahead))
    assert lists.operators.unban(CLIENT)
    assert lists.told[-1].made == ahead + 1
    lists.operators.ban(CLIENT, 60.0, "")
    assert lists.told[-1].made == ahead + 2


def test_what_is_over_is_not_taken(lists: Lists) -> None:
    """Nothing is put on a list to be swept from it."""
    assert not lists.operators.receive(other(until=WALL - 1.0))
    assert lists.operators.snapshot() == ()


def test_networks_and_allowances_of_others(lists: Lists) -> None:
    """They are on the lists that workers are told."""
    assert lists.operators.receive(other(key="198.51.100.0/24"))
    assert [ban.key for ban in lists.operators.banned_networks()] == ["198.51.100.0/24"]
    assert lists.operators.receive(other(list="allow"))
    assert [str(network) for network in lists.operators.allowed()] == [f"{CLIENT}/32"]
    assert lists.operators.receive(other(list="allow", ends=True, made=int(WALL * 1_000) + 1))
    assert lists.operators.allowed() == ()


def test_what_is_our_own_outlives_a_restart(lists: Lists, tmp_path: Path) -> None:
    """Whoever was ruled by us is known as ours; the moment of the ruling too, so that an end of meanwhile finds it."""
    lists.operators.ban(CLIENT, 600.0, "scanner")
    lists.operators.receive(other(key="192.0.2.8"))
    lists.operators.unban("192.0.2.8")
    assert [(one.key, one.ends) for one in lists.operators.own()] == [(CLIENT, False), ("192.0.2.8", True)]
    lists.operators.receive(other(key="192.0.2.9"))
    lists.operators.save()
    again = Lists(tmp_path)
    assert [one.key for one in again.operators.own()] == [CLIENT]
    assert {entry.key: entry.node for entry in again.operators.bans()} == {CLIENT: "", "192.0.2.9": "other"}
    assert again.operators.receive(other(ends=True, made=lists.told[0].made))
    assert not again.banned
