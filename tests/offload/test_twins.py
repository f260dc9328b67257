"""Twins: the rehearsal says word for word what would be done, and none does nothing."""

from __future__ import annotations

import ipaddress
import os

from shieldproxy.core.ladder import Ban
from shieldproxy.core.ports import Offload
from shieldproxy.offload.claim import Claim
from shieldproxy.offload.nftables import Nftables
from shieldproxy.offload.scripts import REMOVAL, Door
from shieldproxy.offload.twins import DryRun, NoOffload
from tests.fakes.clock import HandClock
from tests.fakes.kernel import FakeKernel

DOORS = (Door("0.0.0.0", 443),)


def play(offload: Offload, clock: HandClock) -> None:
    """Let an offload go through a life: bans of every kind, longer ones, spared ones, ended ones, the end."""
    offload.spare([ipaddress.ip_network("192.0.2.9/32")])
    offload.add(Ban("192.0.2.9", clock() + 100.0, ""))
    offload.add(Ban("192.0.2.1", clock() + 100.0, ""))
    offload.init(clock())
    for key in ("192.0.2.2", "2001:db8::/64", "192.0.2.0/24", "2001:db8::/32"):
        offload.add(Ban(key, clock() + 50.0, ""))
    offload.commit(clock.advance(1.0))
    offload.commit(clock.advance(1.0))
    offload.add(Ban("192.0.2.2", clock() + 500.0, ""))
    offload.delete("192.0.2.1")
    offload.delete("2001:db8::/32")
    offload.commit(clock.advance(1.0))
    assert offload.collect_metrics() == {}
    assert offload.left_out == 0
    offload.shut_down()


def test_the_rehearsal_says_what_the_kernel_would_be_told() -> None:
    """Script by script the same, to the last word."""
    said: list[str] = []
    clock = HandClock()
    play(DryRun(said.append, DOORS), HandClock())
    kernel = FakeKernel(clock)
    play(Nftables(kernel, DOORS, Claim(f"\0shieldproxy/twins/{os.getpid()}")), clock)
    assert said == kernel.scripts
    assert said[-1] == REMOVAL
    assert len(said) == 4


def test_the_rehearsal_counts_as_if_it_had_been_done() -> None:
    """An operator sees how many bans the kernel would have."""
    twin = DryRun(lambda script: None, DOORS)
    twin.add(Ban("192.0.2.1", 100.0, ""))
    twin.init(0.0)
    assert twin.handed == 1


def test_none_does_nothing() -> None:
    """Whatever it is told."""
    none = NoOffload()
    play(none, HandClock())
    assert none.handed == 0
