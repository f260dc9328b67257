"""Ports: the fakes that stand for other rooms keep what the ports promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shieldproxy.core.facts import NetworkLabel, Posture
from shieldproxy.core.ladder import Ban
from shieldproxy.core.record import Record
from tests.contracts import check_bans, check_buckets, check_networks, check_puzzles
from tests.fakes.bans import DictBans
from tests.fakes.buckets import DictBuckets
from tests.fakes.chance import CountedChance
from tests.fakes.clock import HandClock
from tests.fakes.journal import ListJournal
from tests.fakes.networks import TableNetworks
from tests.fakes.puzzles import DictPuzzles
from tests.fakes.situation import SetSituation
from tests.fakes.tallies import CountedTallies

if TYPE_CHECKING:
    from shieldproxy.core import ports


def test_fakes_have_the_shape_of_the_ports() -> None:
    """Each fake is taken where its port is asked for; mypy reads this, and running it finds what it cannot see."""
    clock: ports.Monotonic = HandClock()
    wall: ports.WallClock = HandClock(1_700_000_000.0)
    chance: ports.Chance = CountedChance()
    buckets: ports.Buckets = DictBuckets()
    bans: ports.Bans = DictBans()
    puzzles: ports.SpentPuzzles = DictPuzzles()
    networks: ports.Networks = TableNetworks({})
    journal: ports.Journal = ListJournal()
    tallies: ports.Tallies = CountedTallies()
    situation: ports.Situation = SetSituation(Posture.ELEVATED)
    assert (clock(), wall(), len(chance(16))) == (1_000.0, 1_700_000_000.0, 16)
    assert not buckets.saturated
    assert bans.find("192.0.2.1", "192.0.2.1", 0.0) is None
    assert puzzles.spend_once("n", 1.0, 0.0)
    assert networks.version == "table"
    journal.put(Record())
    tallies.count("journal_lost")
    assert situation.posture is Posture.ELEVATED


def test_buckets_keep_the_promises_of_the_port() -> None:
    """A dict of buckets passes what the shared table must pass."""
    check_buckets(DictBuckets())


def test_bans_keep_the_promises_of_the_port() -> None:
    """A dict of bans passes what the shared bans must pass."""
    check_bans(DictBans())


def test_puzzles_keep_the_promises_of_the_port() -> None:
    """A dict of spent puzzles passes what the shared ones must pass."""
    check_puzzles(DictPuzzles())


def test_networks_keep_the_promises_of_the_port() -> None:
    """A table of networks passes what the databases must pass."""
    check_networks(TableNetworks({"192.0.2.0/24": NetworkLabel(64500, "Example", "NL")}))


def test_the_longest_network_says_what_an_address_is() -> None:
    """Of two networks that hold an address the smaller one is the better informed."""
    wide, narrow = NetworkLabel(64500, "Wide", "NL"), NetworkLabel(64501, "Narrow", "BE", "hosting")
    networks = TableNetworks({"192.0.0.0/8": wide, "192.0.2.0/24": narrow, "2001:db8::/32": wide})
    assert networks.label("192.0.2.7") == narrow
    assert networks.label("192.1.0.1") == wide
    assert networks.label("2001:db8::1") == wide
    assert networks.label("198.51.100.1") == NetworkLabel()


def test_an_operators_ban_on_a_network_holds_for_its_addresses() -> None:
    """A network ban is found by the address of a client that has no ban of its own."""
    bans = DictBans()
    bans.put(Ban("192.0.2.0/24", 2_000.0, "operator"))
    found = bans.find("192.0.2.9", "192.0.2.9", 1_000.0)
    assert found is not None
    assert found.cause == "operator"
    assert bans.find("192.0.3.9", "192.0.3.9", 1_000.0) is None


def test_a_full_journal_counts_what_it_loses() -> None:
    """A journal without room takes the record without raising and counts it."""
    journal = ListJournal(room=1)
    journal.put(Record(seq=1))
    journal.put(Record(seq=2))
    assert [record.seq for record in journal.records] == [1]
    assert journal.lost == 1


def test_tallies_add_up() -> None:
    """Counts of one name, one verdict and one network are sums."""
    tallies = CountedTallies()
    tallies.count_verdict(2, 4, 120)
    tallies.count_verdict(2, 4, 80)
    tallies.count("bytes", 10.5)
    tallies.count("bytes")
    tallies.count_asn(64500, 2)
    assert tallies.verdicts[2, 4] == 2
    assert tallies.durations == [120, 80]
    assert tallies.named["bytes"] == 11.5
    assert tallies.networks[64500, 2] == 1
