"""The ledger: whatever is wanted, spared, refused and forgotten in whatever order, the kernel ends up with what it should."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from shieldproxy.core.addresses import Network
from shieldproxy.core.ladder import Ban
from shieldproxy.offload import ledger as module
from shieldproxy.offload.ledger import LINGER, LOOPBACK, MAX_PIECES, Changes, Ledger
from shieldproxy.offload.scripts import batches
from shieldproxy.offload.spans import Span, span_of
from shieldproxy.offload.targets import SUBSCRIBER, Element, SetName, target_of
from tests.fakes.clock import HandClock
from tests.fakes.kernel import FakeKernel, inside, meet

# Few addresses, so that bans, networks and what is spared meet all the time.
CLIENTS = ("192.0.2.1", "192.0.2.2", "192.0.2.129", "127.0.0.1", "2001:db8::/64", "2001:db8:0:1::/64", "::/64")
NETWORKS = ("192.0.2.0/24", "192.0.2.0/25", "192.0.2.128/31", "127.0.0.0/8", "2001:db8::/32", "2001:db8::/63", "::/32")
SPARED = ("192.0.2.1/32", "192.0.2.64/26", "192.0.0.0/16", "2001:db8::1/128", "2001:db8:0:1::/64", "2001:db8::/48")
# Rounding down to whole seconds, and two clocks: so much earlier may the kernel let go.
LATEST = 1.5
PROBES = ("192.0.2.1", "192.0.2.2", "192.0.2.70", "192.0.2.128", "192.0.2.129", "2001:db8::1", "2001:db8:0:1::1")


def networks(*texts: str) -> list[Network]:
    return [ipaddress.ip_network(text) for text in texts]


class KernelFollows(RuleBasedStateMachine):
    """Everything that can happen to a ledger, beside a plain list of what is wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = HandClock()
        self.kernel = FakeKernel(self.clock)
        self.ledger = Ledger()
        self.wanted: dict[str, float] = {}
        self.spared: list[Network] = []
        self.fresh = False

    @rule(key=st.sampled_from(CLIENTS + NETWORKS), seconds=st.integers(2, 40))
    def ban(self, key: str, seconds: int) -> None:
        self.wanted[key] = self.clock() + seconds
        self.ledger.add(Ban(key, self.clock() + seconds, ""))
        self.fresh = False

    @rule(key=st.sampled_from(CLIENTS + NETWORKS))
    def unban(self, key: str) -> None:
        self.wanted.pop(key, None)
        self.ledger.delete(key)
        self.fresh = False

    @rule(texts=st.lists(st.sampled_from(SPARED), unique=True))
    def spare(self, texts: list[str]) -> None:
        self.spared = networks(*texts)
        self.ledger.spare(self.spared)
        self.fresh = False

    @rule(seconds=st.sampled_from([0.1, 0.9, 1.0, LINGER, LINGER + 0.5, 30.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        # The kernel sweeps; elements that ended are gone for good.
        self.fresh = False

    @rule()
    def commit(self) -> None:
        changes = self.ledger.changes(self.clock())
        for script in batches(changes, (), self.clock()):
            self.kernel.run(script)
        self.ledger.settle(changes, self.clock())
        self.fresh = True

    @rule()
    def lose_the_table(self) -> None:
        self.kernel.sets = None
        self.ledger.forget()
        self.fresh = False

    @invariant()
    def nobody_spared_is_handed_over(self) -> None:
        if not self.fresh:
            return
        for name in SetName:
            for held in held_spans(self.kernel, name):
                assert not any(meet(held, span) for span in self.spared_spans(name.version)), f"{name}: {held}"

    @invariant()
    def every_client_is_there_for_its_time(self) -> None:
        for key, until in self.wanted.items() if self.fresh else ():
            target = target_of(key)
            if target.set.of_networks or until - self.clock() < LATEST:
                continue
            is_spared = any(meet(target.span, span) for span in self.spared_spans(target.set.version))
            place = self.kernel.spans(target.set).get(Span(target.span.low, target.span.low))
            assert (place is None) == is_spared
            assert place is None or until - LATEST <= place.until <= until + 0.5

    @invariant()
    def an_address_is_stopped_while_a_ban_around_it_holds(self) -> None:
        for text in PROBES if self.fresh else ():
            address = ipaddress.ip_address(text)
            longest = max(
                (until for key, until in self.wanted.items() if address in ipaddress.ip_network(key)), default=0.0
            )
            client = target_of(text if address.version == 4 else str(ipaddress.ip_network((text, 64), strict=False)))
            shared = any(meet(client.span, span) for span in self.spared_spans(address.version))
            if self.kernel.hit(text):
                assert longest > self.clock() - 0.5
                assert not any(inside(int(address), span) for span in self.spared_spans(address.version))
            else:
                assert longest - self.clock() < LATEST or shared

    def spared_spans(self, version: int) -> list[Span]:
        return [span_of(network) for network in (*LOOPBACK, *self.spared) if network.version == version]


def held_spans(kernel: FakeKernel, name: SetName) -> list[Span]:
    """Return what a set stops: an element of clients6 is its whole /64."""
    wide = SUBSCRIBER if name is SetName.CLIENTS6 else 0
    return [Span(span.low, span.high | wide) for span in kernel.spans(name)]


TestKernelFollows = KernelFollows.TestCase


def settled(ledger: Ledger, now: float) -> Changes:
    """Do what the ledger asks for, and return it."""
    changes = ledger.changes(now)
    ledger.settle(changes, now)
    return changes


def keys(elements: tuple[Element, ...] | None) -> set[str]:
    return {element.key for element in elements or ()}


def test_the_first_changes_are_whole() -> None:
    """Nothing is known of the kernel at the start, so all of it is written, with nothing in it too."""
    ledger = Ledger()
    assert settled(ledger, 0.0) == Changes(whole=True, networks=())
    assert not ledger.changes(0.0)
    ledger.forget()
    assert ledger.changes(0.0).whole


def test_only_differences_are_told() -> None:
    """What is there and stays is not told again; what another end is written anew; what is over goes."""
    ledger = Ledger()
    settled(ledger, 0.0)
    ledger.add(Ban("192.0.2.1", 100.0, ""))
    ledger.add(Ban("192.0.2.2", 100.0, ""))
    assert keys(settled(ledger, 0.0).added) == {"192.0.2.1", "192.0.2.2"}
    ledger.add(Ban("192.0.2.1", 100.2, ""))
    assert not settled(ledger, 1.0), "a clock seen twice"
    ledger.add(Ban("192.0.2.1", 300.0, ""))
    ledger.delete("192.0.2.2")
    changes = settled(ledger, 2.0)
    assert keys(changes.replaced) == {"192.0.2.1"}
    assert changes.removed == (target_of("192.0.2.2"),)
    assert changes.networks is None


def test_a_failed_change_is_asked_for_again() -> None:
    """Changes that were not settled stay due, and asking alone changes nothing."""
    ledger = Ledger()
    settled(ledger, 0.0)
    ledger.add(Ban("192.0.2.1", 100.0, ""))
    assert ledger.changes(0.0) == ledger.changes(0.0)
    assert keys(settled(ledger, 0.0).added) == {"192.0.2.1"}


def test_what_ended_by_itself_is_not_deleted() -> None:
    """The kernel ends a ban in time; the same client banned again a moment later is written over what may linger."""
    ledger = Ledger()
    settled(ledger, 0.0)
    ledger.add(Ban("192.0.2.1", 10.0, ""))
    settled(ledger, 0.0)
    ledger.delete("192.0.2.1")
    assert not settled(ledger, 10.5)
    ledger.add(Ban("192.0.2.1", 90.0, ""))
    assert keys(settled(ledger, 11.0).replaced) == {"192.0.2.1"}


def test_the_last_second_is_left_to_the_workers() -> None:
    """The kernel counts in whole seconds, and nobody is to be stopped beyond the end."""
    ledger = Ledger()
    ledger.add(Ban("192.0.2.1", 100.9, ""))
    ledger.add(Ban("192.0.2.0/24", 100.9, ""))
    assert settled(ledger, 100.0) == Changes(whole=True, networks=())


def test_the_longest_ban_of_an_address_holds() -> None:
    """A network banned inside another one takes its own time where it is longer, and none where it is shorter."""
    ledger = Ledger()
    ledger.add(Ban("192.0.2.0/24", 100.0, ""))
    ledger.add(Ban("192.0.2.0/25", 200.0, ""))
    ledger.add(Ban("192.0.2.128/25", 50.0, ""))
    pieces = settled(ledger, 0.0).networks or ()
    assert {(piece.target.span, piece.until) for piece in pieces} == {
        (span_of(ipaddress.ip_network("192.0.2.0/25")), 200.0),
        (span_of(ipaddress.ip_network("192.0.2.128/25")), 100.0),
    }


def test_a_spared_address_is_cut_out_of_a_banned_network() -> None:
    """The rest of the network stays banned."""
    ledger = Ledger()
    ledger.spare(networks("192.0.2.7/32"))
    ledger.add(Ban("192.0.2.0/24", 100.0, ""))
    pieces = settled(ledger, 0.0).networks or ()
    assert sum(piece.target.span.high - piece.target.span.low + 1 for piece in pieces) == 255
    assert keys(pieces) == {"192.0.2.0/24"}


def test_who_is_spared_later_is_let_go_at_once() -> None:
    """An allowance takes effect with the next change, and its end too."""
    ledger = Ledger()
    ledger.add(Ban("192.0.2.1", 100.0, ""))
    settled(ledger, 0.0)
    ledger.spare(networks("192.0.2.0/28"))
    assert settled(ledger, 1.0).removed == (target_of("192.0.2.1"),)
    ledger.spare(networks("192.0.2.0/28"))
    assert not settled(ledger, 2.0), "the same is no change"
    ledger.spare(())
    assert keys(settled(ledger, 3.0).added) == {"192.0.2.1"}


def test_room_is_bounded_and_what_finds_none_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that end last have the room; others are counted and come in when somebody goes."""
    monkeypatch.setattr(module, "MAX_CLIENTS", 2)
    ledger = Ledger()
    for last in range(1, 5):
        ledger.add(Ban(f"192.0.2.{last}", 100.0 + last, ""))
    assert keys(settled(ledger, 0.0).added) == {"192.0.2.3", "192.0.2.4"}
    assert ledger.left_out == 2
    assert not settled(ledger, 1.0)
    ledger.delete("192.0.2.4")
    settled(ledger, 2.0)
    assert len(settled(ledger, 3.0).added) == 1
    assert ledger.left_out == 1


def test_pieces_are_bounded_and_counted() -> None:
    """A banned network with thousands of holes takes no more room than the tree has; the rest is with the workers."""
    ledger = Ledger()
    ledger.spare(
        [ipaddress.ip_network((number << 8, 24)) for number in range(10 << 16, (10 << 16) + 2 * MAX_PIECES + 10, 2)]
    )
    ledger.add(Ban("10.0.0.0/8", 100.0, ""))
    changes = settled(ledger, 0.0)
    assert len(changes.networks or ()) == MAX_PIECES
    assert ledger.left_out == changes.left_out > 0


@given(st.sampled_from(CLIENTS + NETWORKS))
def test_loopback_is_spared_without_being_asked(key: str) -> None:
    """Whatever key is banned, no element ever holds an address of this machine itself."""
    ledger = Ledger()
    ledger.add(Ban(key, 100.0, ""))
    changes = ledger.changes(0.0)
    for element in (*changes.added, *(changes.networks or ())):
        for network in LOOPBACK:
            if network.version == element.target.set.version:
                assert not meet(element.target.span, span_of(network))
