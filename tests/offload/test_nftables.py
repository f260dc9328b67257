"""Bans in nftables: with a packet filter in memory for what must not go wrong, and with the kernel's for what must go right."""

from __future__ import annotations

import ipaddress
import itertools
import os
import time
from collections.abc import Iterator

import pytest

from shieldproxy.core.errors import OffloadError
from shieldproxy.core.ladder import Ban
from shieldproxy.core.ports import Offload
from shieldproxy.offload.claim import Claim
from shieldproxy.offload.nft import Nft
from shieldproxy.offload.nftables import Nftables
from shieldproxy.offload.scripts import Door
from tests.fakes.clock import HandClock
from tests.fakes.kernel import FakeKernel
from tests.lan import DOOR, SSH, VISITORS4, VISITORS6, Lan

DOORS = (Door("0.0.0.0", DOOR), Door("::", DOOR))
ONE, TWO, THREE, FAR = VISITORS4
LISTED = "list table inet shieldproxy"


@pytest.fixture
def claim() -> Iterator[Claim]:
    """A claim that no other program makes."""
    made = Claim(f"\0shieldproxy/nftables/{os.getpid()}")
    yield made
    made.release()


class Played:
    """Nftables over a packet filter in memory, which is on the test's clock."""

    def __init__(self, claim: Claim) -> None:
        self.clock = HandClock()
        self.kernel = FakeKernel(self.clock)
        self.offload = Nftables(self.kernel, DOORS, claim)
        self.offload.init(self.clock())

    def ban(self, key: str, seconds: float = 100.0) -> None:
        self.offload.add(Ban(key, self.clock() + seconds, "test"))
        self.offload.commit(self.clock())


# -- what must not go wrong -----------------------------------------------------------------------------------------


def test_it_is_an_offload(claim: Claim) -> None:
    """It is taken where the port is asked for."""
    offload: Offload = Nftables(FakeKernel(HandClock()), DOORS, claim)
    assert offload.handed == 0


def test_an_idle_commit_asks_nothing(claim: Claim) -> None:
    """A second in which nothing happened starts no process."""
    played = Played(claim)
    played.offload.commit(played.clock.advance(1.0))
    assert len(played.kernel.scripts) == 1


def test_after_an_error_the_table_is_made_anew_with_all_bans(claim: Claim) -> None:
    """Whatever was noted meanwhile is in it, whatever ended is not, and nothing is lost."""
    played = Played(claim)
    played.ban("192.0.2.1")
    played.kernel.refusal = "nft: Error: Operation not permitted"
    with pytest.raises(OffloadError, match="not permitted"):
        played.ban("192.0.2.2")
    assert played.offload.handed == 0
    played.offload.delete("192.0.2.1")
    played.offload.add(Ban("192.0.2.0/28", played.clock() + 50.0, ""))
    with pytest.raises(OffloadError, match="not permitted"):
        played.offload.commit(played.clock.advance(1.0))
    played.kernel.refusal = ""
    played.offload.commit(played.clock.advance(1.0))
    assert played.kernel.tables_made == 2
    assert len(played.kernel.spans("clients4")) == 1
    assert len(played.kernel.spans("networks4")) == 1
    assert played.kernel.hit("192.0.2.2")


def test_a_table_that_somebody_took_away_is_found_missing_and_made_anew(claim: Claim) -> None:
    """A firewall that is loaded anew begins with flush ruleset."""
    played = Played(claim)
    played.ban("192.0.2.1")
    played.kernel.sets = None
    with pytest.raises(OffloadError, match="No such file"):
        played.offload.collect_metrics()
    played.offload.commit(played.clock())
    assert played.kernel.hit("192.0.2.1")


def test_counts_come_back_by_the_key_of_the_ban(claim: Claim) -> None:
    """A client by its key, an address of a network by the network's, and what ended unseen by nobody's."""
    played = Played(claim)
    for key in ("192.0.2.1", "2001:db8::/64", "198.51.100.0/24"):
        played.ban(key)
    for address in ("192.0.2.1", "192.0.2.1", "2001:db8::7", "198.51.100.9", "198.51.100.200", "203.0.113.1"):
        played.kernel.hit(address)
    assert played.offload.collect_metrics() == {"192.0.2.1": 2, "2001:db8::/64": 1, "198.51.100.0/24": 2}
    played.kernel.hit("192.0.2.1")
    played.offload.delete("192.0.2.1")
    played.offload.commit(played.clock())
    assert played.offload.collect_metrics() == {}
    assert played.offload.collect_metrics() == {"": 1}


def test_a_table_made_anew_is_counted_from_nothing(claim: Claim) -> None:
    """What the lost table had counted is not held against the new one, not even when its ban ends unseen."""
    played = Played(claim)
    played.ban("192.0.2.1")
    for _ in range(5):
        played.kernel.hit("192.0.2.1")
    assert played.offload.collect_metrics() == {"192.0.2.1": 5}
    played.offload.init(played.clock())
    played.kernel.hit("192.0.2.1")
    played.offload.delete("192.0.2.1")
    played.offload.commit(played.clock())
    assert played.offload.collect_metrics() == {}
    assert played.offload.collect_metrics() == {"": 1}


def test_another_node_on_the_machine_is_not_robbed(claim: Claim) -> None:
    """The second node gets an error and changes nothing; when the first has ended, it takes over."""
    first, second = Played(claim), FakeKernel(HandClock())
    other = Nftables(second, DOORS, Claim(f"\0shieldproxy/nftables/{os.getpid()}"))
    with pytest.raises(OffloadError, match="another node"):
        other.init(0.0)
    assert not second.scripts
    other.shut_down()
    assert not second.scripts, "what it did not make it does not take away"
    first.offload.shut_down()
    other.init(0.0)
    assert second.tables_made == 1
    other.shut_down()


def test_a_table_that_could_not_be_removed_is_tried_again(claim: Claim) -> None:
    """An error at the end is told, and the next call still has something to do."""
    played = Played(claim)
    played.kernel.refusal = "no"
    with pytest.raises(OffloadError):
        played.offload.shut_down()
    played.kernel.refusal = ""
    played.offload.shut_down()
    assert played.kernel.sets is None


# -- what must go right ---------------------------------------------------------------------------------------------


class Real:
    """Nftables over the kernel of a namespace."""

    def __init__(self, lan: Lan, claim: Claim) -> None:
        self.lan = lan
        self.offload = Nftables(Nft(lan.command("nft")), DOORS, claim)

    def ban(self, *keys: str, seconds: float = 100.0) -> None:
        for key in keys:
            self.offload.add(Ban(key, time.monotonic() + seconds, "test"))

    def commit(self) -> None:
        self.offload.commit(time.monotonic())

    def begin(self, *keys: str) -> None:
        self.ban(*keys)
        self.offload.init(time.monotonic())


@pytest.fixture
def real(lan: Lan, claim: Claim) -> Iterator[Real]:
    """Nftables in the shield's namespace, with somebody who answers."""
    with lan.server():
        yield Real(lan, claim)


def test_a_banned_client_meets_silence_and_all_others_are_served(real: Real) -> None:
    """Only on our port, only from that client: its way to the administrator's port and the machine's own stay open."""
    assert real.lan.visit(ONE) == "answered"
    real.begin(ONE)
    assert real.lan.visit(ONE) == "timeout"
    assert real.lan.visit(TWO) == "answered"
    assert real.lan.visit(ONE, port=SSH) == "answered"
    assert real.lan.visit("", inside=real.lan.shield) == "answered"
    real.offload.delete(ONE)
    real.commit()
    assert real.lan.visit(ONE) == "answered"


def test_a_client_of_ipv6_is_its_slash_64(real: Real) -> None:
    """The neighbour in the same /64 is the same subscriber; the next /64 is somebody else."""
    real.begin("2001:db8:0:1::/64")
    assert [real.lan.visit(address) for address in VISITORS6] == ["timeout", "timeout", "answered"]


def test_a_banned_network_has_a_hole_where_somebody_is_spared(real: Real) -> None:
    """Of 192.0.2.0/24 one address is exempt: it is served, its neighbours are not; so too with IPv6."""
    real.offload.spare([ipaddress.ip_network(f"{TWO}/32"), ipaddress.ip_network("2001:db8:0:2::/64")])
    real.begin("192.0.2.0/25", "192.0.2.0/24", "2001:db8::/32")
    assert [real.lan.visit(address) for address in (ONE, TWO, FAR)] == ["timeout", "answered", "timeout"]
    assert [real.lan.visit(address) for address in VISITORS6[1:]] == ["timeout", "answered"]
    real.offload.spare([ipaddress.ip_network(f"{FAR}/32")])
    real.commit()
    assert [real.lan.visit(address) for address in (TWO, FAR)] == ["timeout", "answered"]


def test_a_connection_that_is_open_stays_with_the_workers(real: Real) -> None:
    """They end it in their own words; a frozen one would hold a place of theirs until it times out."""
    with real.lan.linger(ONE) as open_before:
        real.begin(ONE)
        said, _ = open_before.communicate("\n", timeout=10)
    assert said == "answered\n"
    assert real.lan.visit(ONE) == "timeout"


def test_the_kernel_ends_a_ban_by_itself(real: Real) -> None:
    """A supervisor that was killed leaves nobody shut out beyond the end of the ban."""
    real.begin()
    real.ban(ONE, seconds=2.5)
    real.commit()
    assert real.lan.visit(ONE) == "timeout"
    assert real.lan.visit(ONE, patience=10.0) == "answered"


def test_attempts_to_connect_are_counted_and_nothing_else(real: Real) -> None:
    """Each packet that asks for a connection counts once, by the ban that stopped it."""
    real.begin(ONE, "2001:db8:0:1::/64", "192.0.2.128/25")
    for address in (ONE, ONE, ONE, VISITORS6[0], VISITORS6[1], FAR, TWO):
        real.lan.visit(address)
    assert real.offload.collect_metrics() == {ONE: 3, "2001:db8:0:1::/64": 2, "192.0.2.128/25": 1}
    assert real.offload.collect_metrics() == {}


def test_a_longer_ban_takes_the_place_of_a_shorter_one(real: Real) -> None:
    """The kernel keeps the first end of an element it has; ours is deleted and written in one step."""
    real.begin(ONE)
    real.ban(ONE, seconds=5_000.0)
    real.commit()
    assert "timeout 1h23m" in real.lan.run("nft", *LISTED.split())
    assert real.offload.handed == 1


def test_a_restart_finds_its_old_table_and_replaces_it(real: Real, claim: Claim) -> None:
    """A node that was killed leaves its table; the next one puts its own in that place, old bans and rules gone."""
    real.begin(ONE)
    real.lan.run("nft", "add", "chain", "inet", "shieldproxy", "left_over")
    claim.release()
    real.offload = Nftables(Nft(real.lan.command("nft")), DOORS, claim)
    real.begin(TWO)
    assert [real.lan.visit(address) for address in (ONE, TWO)] == ["answered", "timeout"]
    assert "left_over" not in real.lan.run("nft", *LISTED.split())
    assert real.offload.collect_metrics() == {TWO: 1}


FIREWALL = """
table inet filter {
  set shieldproxy { type ipv4_addr; flags timeout; elements = { 198.51.100.1 }; }
  chain input { type filter hook input priority 0; policy accept; tcp dport 22 counter accept; }
}
table ip nat {
  chain prerouting { type nat hook prerouting priority -100; tcp dport 80 redirect to :8080; }
}
table ip shieldproxy {
  chain other { tcp dport 8080 accept; }
}
"""


def test_nothing_else_in_the_ruleset_is_touched(real: Real) -> None:
    """After the end the ruleset is what it was, byte for byte, handles too; so are other tables all the time."""
    real.lan.run("nft", "-f", "-", given=FIREWALL)
    before = real.lan.run("nft", "-a", "list", "ruleset")
    assert "198.51.100.1" in before
    real.begin(ONE, "192.0.2.128/25")
    during = real.lan.run("nft", "-a", "list", "ruleset")
    assert before.strip() in during
    real.offload.shut_down()
    assert real.lan.run("nft", "-a", "list", "ruleset") == before


def test_a_redirected_port_is_ours_too(real: Real) -> None:
    """Who comes in on port 80 and is redirected to our door is stopped there; a passed-on packet is none of ours."""
    real.lan.run("nft", "-f", "-", given=FIREWALL)
    assert real.lan.visit(ONE, port=80) == "answered"
    real.begin(ONE)
    assert [real.lan.visit(address, port=80) for address in (ONE, TWO)] == ["timeout", "answered"]


def test_a_ruleset_that_was_flushed_is_noticed(real: Real) -> None:
    """The look at the counters fails, and the next commit puts the table back."""
    real.begin(ONE)
    real.lan.run("nft", "flush", "ruleset")
    with pytest.raises(OffloadError, match="No such file"):
        real.offload.collect_metrics()
    real.commit()
    assert real.lan.visit(ONE) == "timeout"


def test_fifty_thousand_bans_at_once(real: Real, capsys: pytest.CaptureFixture[str]) -> None:
    """All of them arrive, are counted, and go; the times are printed and not judged."""
    first = int(ipaddress.ip_address("10.0.0.0"))
    keys = [str(ipaddress.ip_address(first + 7 * number)) for number in range(49_999)]
    real.begin()
    times = [time.monotonic()]
    real.ban(ONE, *keys, seconds=600.0)
    real.commit()
    times.append(time.monotonic())
    assert real.lan.visit(ONE) == "timeout"
    times.append(time.monotonic())
    assert real.offload.collect_metrics() == {ONE: 1}
    times.append(time.monotonic())
    real.begin()
    times.append(time.monotonic())
    for key in keys:
        real.offload.delete(key)
    real.commit()
    times.append(time.monotonic())
    assert real.offload.handed == 1
    spent = [after - before for before, after in itertools.pairwise(times)]
    with capsys.disabled():
        print(  # noqa: T201 - times are for people
            f"\n50,000 bans: handed over in {spent[0]:.2f} s, read back in {spent[2]:.2f} s, "
            f"replaced with their table in {spent[3]:.2f} s, taken away in {spent[4]:.2f} s"
        )
