"""The ban table: the port's promises, the ladder, networks, and two workers on one table."""

from __future__ import annotations

import pytest

from shieldproxy.core.ladder import Ban
from shieldproxy.core.policy import BanPolicy
from shieldproxy.state.bans import MAX_RUNGS, UNKNOWN_CAUSE, BanTable
from shieldproxy.state.networks import MAX_NETWORKS
from shieldproxy.state.slots import SlotTable, bytes_for
from tests.contracts import check_bans

SECRET = bytes(range(32))
POLICY = BanPolicy(ladder=(60.0, 600.0, 3_600.0), memory=7_200.0)
CLIENT = "192.0.2.1"


def workers(slots: int = 1_024) -> tuple[BanTable, BanTable]:
    memory = bytearray(bytes_for(slots))
    return BanTable(SlotTable(memory, 0), SECRET), BanTable(SlotTable(memory, 1), SECRET)


def test_it_does_what_the_port_promises() -> None:
    """The contract of the port holds."""
    check_bans(workers()[0])


def test_a_ban_holds_on_every_worker() -> None:
    """A client banned by one worker is dropped by the other, which learns the cause when it is told."""
    one, other = workers()
    ban = one.impose(POLICY, CLIENT, "flood", 1_000.0)
    assert other.find(CLIENT, CLIENT, 1_001.0) == Ban(CLIENT, 1_060.0, UNKNOWN_CAUSE)
    other.learn(ban)
    assert other.find(CLIENT, CLIENT, 1_001.0) == ban
    assert other.find("192.0.2.2", "192.0.2.2", 1_001.0) is None
    again = other.impose(POLICY, CLIENT, "flood", 1_100.0)
    assert again.rung == 1
    found = one.find(CLIENT, CLIENT, 1_101.0)
    assert found == Ban(CLIENT, 1_700.0, UNKNOWN_CAUSE)


def test_one_offence_is_one_rung() -> None:
    """What is counted against a client that is banned already, by whichever worker, does not ban it for longer."""
    one, other = workers()
    ban = one.impose(POLICY, CLIENT, "flood", 1_000.0)
    assert one.impose(POLICY, CLIENT, "flood", 1_000.0) == ban
    assert other.impose(POLICY, CLIENT, "flood", 1_030.0).until == ban.until
    assert one.impose(POLICY, CLIENT, "flood", 1_061.0).rung == 1


def test_a_milder_ban_never_replaces_a_longer_one() -> None:
    """Neither the ladder nor an operator shortens a ban in force; a longer order replaces a shorter one."""
    one, _ = workers()
    by_hand = Ban(CLIENT, 5_000.0, "asked by hand")
    assert one.place(by_hand, 0.0, 1_000.0) == by_hand
    assert one.impose(POLICY, CLIENT, "flood", 1_000.0) == by_hand
    assert one.place(Ban(CLIENT, 1_100.0, "shorter"), 0.0, 1_000.0) == by_hand
    assert one.find(CLIENT, CLIENT, 4_999.0) == by_hand
    longest = Ban(CLIENT, 9_000.0, "longer")
    assert one.place(longest, 0.0, 1_000.0) == longest
    assert one.find(CLIENT, CLIENT, 8_000.0) == longest


def test_a_rung_is_remembered_over_a_restart() -> None:
    """A ban placed with its memory lets the next one climb; one placed after its end bans nobody."""
    one, _ = workers()
    one.place(Ban(CLIENT, 900.0, "flood", 1), 2_000.0, 1_000.0)
    assert one.find(CLIENT, CLIENT, 1_000.0) is None
    assert one.impose(POLICY, CLIENT, "flood", 1_001.0).rung == 2


def test_who_is_pardoned_starts_anew() -> None:
    """Lifting a ban ends it everywhere and forgets the ladder."""
    one, other = workers()
    one.impose(POLICY, CLIENT, "flood", 1_000.0)
    one.impose(POLICY, CLIENT, "flood", 1_061.0)
    other.lift(CLIENT)
    assert one.find(CLIENT, CLIENT, 1_062.0) is None
    assert one.impose(POLICY, CLIENT, "flood", 1_063.0).rung == 0


def test_a_long_ladder_and_a_short_one_both_end() -> None:
    """One rung stays one rung, and a ladder longer than the table climbs stops at the last one it can hold."""
    one, _ = workers()
    single = BanPolicy(ladder=(10.0,), memory=1e6)
    assert [one.impose(single, "a", "x", 1_000.0 + 11 * turn).rung for turn in range(3)] == [0, 0, 0]
    endless = BanPolicy(ladder=tuple(10.0 for _ in range(40)), memory=1e6)
    rungs = [one.impose(endless, "b", "x", 1_000.0 + 11 * turn).rung for turn in range(30)]
    assert rungs == [*range(MAX_RUNGS), *[MAX_RUNGS - 1] * (30 - MAX_RUNGS)]


def test_networks_are_banned_too() -> None:
    """An address in a banned network is dropped until it ends; the longer of two bans is told."""
    one, other = workers()
    assert one.set_networks([Ban("198.51.100.0/24", 2_000.0, "a botnet")]) == 0
    inside = one.find("198.51.100.7", "198.51.100.7", 1_000.0)
    assert inside == Ban("198.51.100.0/24", 2_000.0, "a botnet")
    assert one.find("198.51.100.7", "198.51.100.7", 2_000.0) is None
    assert other.find("198.51.100.7", "198.51.100.7", 1_000.0) is None
    own = one.place(Ban("198.51.100.7", 3_000.0, "its own"), 0.0, 1_000.0)
    assert one.find("198.51.100.7", "198.51.100.7", 1_000.0) == own
    assert one.set_networks([]) == 0
    assert one.find("198.51.100.9", "198.51.100.9", 1_000.0) is None


def test_a_bad_network_changes_nothing() -> None:
    """A key that is no network is an error and the networks in force stay; too many are cut and counted."""
    one, _ = workers()
    one.set_networks([Ban("198.51.100.0/24", 2_000.0, "a botnet")])
    with pytest.raises(ValueError, match="no network"):
        one.set_networks([Ban("no network", 2_000.0, "")])
    assert one.find("", "198.51.100.7", 1_000.0) is not None
    many = [Ban(f"10.{number // 256}.{number % 256}.0/24", 2_000.0 + number, "") for number in range(MAX_NETWORKS + 5)]
    assert one.set_networks(many) == 5
    assert one.find("", "10.0.4.1", 1_000.0) is None
    assert one.find("", "10.0.5.1", 1_000.0) is not None


def test_bans_forgotten_for_want_of_room_are_counted() -> None:
    """A table too small for its bans says how many it lost; the bans that end last are kept."""
    one, _ = workers(8)
    for client in range(20):
        one.place(Ban(str(client), 2_000.0 + client, ""), 0.0, 1_000.0)
    assert one.evictions == 12
    assert [one.find(str(client), "", 1_000.0) is not None for client in range(20)] == [False] * 12 + [True] * 8
