"""What every adapter of a port must do, as checks that take the adapter: fakes and real ones run the same.

A check starts from a fresh adapter and ``now`` of its own; it raises AssertionError where a promise of core/ports.py
does not hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shieldproxy.core.policy import BanPolicy

if TYPE_CHECKING:
    from shieldproxy.core.ports import Bans, Buckets, Networks, SpentPuzzles


def check_buckets(table: Buckets, now: float = 1_000.0) -> None:
    """A slot has one name, buckets are apart, a burst passes, the next waits, and a slower client recovers."""
    slot = table.slot("client", "192.0.2.1")
    assert slot == table.slot("client", "192.0.2.1")
    assert 0 <= slot < 2**64
    others = {table.slot("client", "192.0.2.2"), table.slot("network", "192.0.2.1"), table.slot("c", "lient192.0.2.1")}
    assert slot not in others
    assert len(others) == 3
    interval, span = 0.5, 2.0
    assert [table.charge(slot, interval, span, now) for _ in range(4)] == pytest.approx([1.5, 1.0, 0.5, 0.0])
    for _ in range(3):
        assert table.charge(slot, interval, span, now) == pytest.approx(-0.5)
    for other in others:
        assert table.charge(other, interval, span, now) == pytest.approx(1.5)
    assert table.charge(slot, interval, span, now + 0.5) == pytest.approx(0.0)
    assert table.charge(slot, interval, span, now + 60.0) == pytest.approx(1.5)
    assert not table.saturated


def check_bans(bans: Bans, now: float = 1_000.0) -> None:
    """A ban holds for its client alone and for its time, and grows when the same client earns it again."""
    policy = BanPolicy(ladder=(60.0, 600.0), memory=3_600.0)
    client, address = "192.0.2.1", "192.0.2.1"
    assert bans.find(client, address, now) is None
    first = bans.impose(policy, client, "flood", now)
    assert (first.key, first.cause, first.rung) == (client, "flood", 0)
    assert first.until == pytest.approx(now + 60.0)
    assert bans.find(client, address, now + 59.0) == first
    assert bans.find("192.0.2.2", "192.0.2.2", now) is None
    assert bans.find(client, address, now + 61.0) is None
    second = bans.impose(policy, client, "flood", now + 61.0)
    assert second.rung == 1
    assert second.until == pytest.approx(now + 661.0)
    third = bans.impose(policy, client, "flood", now + 662.0)
    assert third.rung == 1
    assert third.until == pytest.approx(now + 1_262.0)
    forgotten = bans.impose(policy, client, "flood", now + 1_262.0 + 3_601.0)
    assert forgotten.rung == 0


def check_puzzles(puzzles: SpentPuzzles, now: float = 1_000.0) -> None:
    """A nonce is spent once as long as its puzzle could be answered; other nonces do not mind."""
    one, other = "00" * 16, "01" * 16
    assert puzzles.spend_once(one, now + 300.0, now)
    assert not puzzles.spend_once(one, now + 300.0, now)
    assert not puzzles.spend_once(one, now + 300.0, now + 299.0)
    assert puzzles.spend_once(other, now + 300.0, now)


def check_networks(networks: Networks) -> None:
    """Whatever is asked gets a label, a private address an empty one, and the databases have a name."""
    for address in ("", "no address", "192.0.2.1", "2001:db8::1", "10.0.0.1", "::ffff:192.0.2.1", "fe80::1"):
        label = networks.label(address)
        assert label.asn >= 0
        assert label.network_class
    assert networks.label("10.0.0.1").asn == 0
    assert isinstance(networks.version, str)
