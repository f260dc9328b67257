"""The bucket table: the arithmetic of the core, on memory that processes share."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.buckets import Scope, take
from shieldproxy.state.buckets import SATURATED_FOR, BucketTable
from shieldproxy.state.memory import NodeMemory, Region, Sizes
from shieldproxy.state.slots import WAYS, SlotTable, bytes_for
from tests.contracts import check_buckets

SECRET = bytes(range(32))
intervals = st.sampled_from((0.001, 0.1, 1 / 3, 1.0, 60.0))
charges = st.lists(st.tuples(st.integers(0, 5), st.floats(0.0, 30.0), intervals, st.floats(0.5, 100.0)), max_size=120)


def table_of(slots: int, scopes: dict[str, Scope] | None = None) -> BucketTable:
    return BucketTable(SlotTable(bytearray(bytes_for(slots))), SECRET, scopes)


def test_it_does_what_the_port_promises() -> None:
    """The contract of the port holds."""
    check_buckets(table_of(1_024))


@given(charges, st.floats(0.0, 1e8))
def test_charge_equals_take(walk: list[tuple[int, float, float, float]], now: float) -> None:
    """For any sequence of charges, of limits that change meanwhile too, the slack is that of core.buckets.take."""
    table, full_at = table_of(1_024), dict[str, float]()
    for client, waited, interval, burst in walk:
        now += waited
        key, span = f"192.0.2.{client}", burst * interval
        full_at[key], slack = take(full_at.get(key, 0.0), now, interval, span)
        assert table.charge(table.slot("client", key), interval, span, now) == slack


def test_a_limit_is_exact_for_one_client_among_many() -> None:
    """A client that asks 100 times a second gets its 10 and its burst of 50, however many others ask beside it."""
    table = table_of(65_536)
    flood = table.slot("client", "203.0.113.66")
    passed = 0
    for tick in range(2_000):
        now = 50.0 + tick / 100
        passed += table.charge(flood, 0.1, 5.0, now) >= 0.0
        for other in range(20):
            assert table.charge(table.slot("client", f"10.{tick}.{other}"), 0.1, 5.0, now) >= 0.0
    assert passed == 50 + 199
    table.refresh(70.0)
    assert not table.saturated
    assert table.evictions == 0


def test_a_full_table_says_so_for_a_while() -> None:
    """It is saturated from an eviction until ten seconds after the last, and the count stays."""
    table = table_of(WAYS)
    for client in range(WAYS):
        table.charge(table.slot("client", str(client)), 10.0, 100.0, 1.0)
    table.refresh(1.0)
    assert not table.saturated
    table.charge(table.slot("client", "one more"), 10.0, 100.0, 2.0)
    assert not table.saturated  # a plain attribute, as good as the last refresh
    moments = (2.0, 2.0 + SATURATED_FOR - 0.01, 2.0 + SATURATED_FOR)
    seen = []
    for moment in moments:
        table.refresh(moment)
        seen.append(table.saturated)
    assert seen == [True, True, False]
    assert table.evictions == 1


def test_buckets_are_counted_by_scope() -> None:
    """An estimate from a sample is near the truth, for each scope; names without a scope are our own."""
    table = table_of(32_768, {"client": Scope.CLIENT, "asn": Scope.ASN, "everybody": Scope.SITE})
    for client in range(4_000):
        table.charge(table.slot("client", str(client)), 1.0, 50.0, 5.0)
        if client % 2:
            table.charge(table.slot("asn", str(client)), 1.0, 50.0, 5.0)
        if client % 4:
            table.charge(table.slot("offences", str(client)), 0.1, 50.0, 1.0)
    occupancy = table.occupancy(5.5)
    assert occupancy.capacity == 32_768
    assert abs(occupancy.live - 6_000) < 600
    assert set(occupancy.scopes) == {"client", "asn"}
    assert abs(occupancy.scopes["asn"] - 2_000) < 300
    assert "other" in table.occupancy(1.05).scopes
    assert table.occupancy(60.0).live == 0


def test_a_changed_limit_keeps_its_buckets() -> None:
    """A reload that changes rate or burst resets nobody; one that changes the scope starts new buckets."""
    table = table_of(1_024, {"client": Scope.CLIENT})
    before = table.slot("client", "192.0.2.1")
    table.set_scopes({"client": Scope.CLIENT, "more": Scope.SITE})
    assert table.slot("client", "192.0.2.1") == before
    table.set_scopes({"client": Scope.CLEARANCE})
    assert table.slot("client", "192.0.2.1") != before


def test_no_two_buckets_share_a_name() -> None:
    """Whatever limit and key: the buckets of one client, and those of many under one limit, are all different."""
    table = table_of(1_024, {"client": Scope.CLIENT, "asn": Scope.ASN})
    limits = ("client", "asn", "@offences", "@floods", "@pages", "@parts")
    slots = [table.slot(limit, f"10.0.{key // 250}.{key % 250}") for key in range(5_000) for limit in limits]
    assert len(set(slots)) == len(slots)
    assert table.slot("asn", "10.0.0.0") == slots[1], "however often another key was asked for meanwhile"
    assert BucketTable(SlotTable(bytearray(bytes_for(64))), SECRET[::-1]).slot("asn", "10.0.0.0") != slots[1]


def test_buckets_of_one_client_lie_apart() -> None:
    """A crowd whose clients have several buckets each fills the table as evenly as chance does, limit by limit too."""
    table = table_of(1 << 15)
    limits = [f"limit {number}" for number in range(6)]
    for key in range((1 << 15) // 12):  # half of the table
        for limit in limits:
            table.charge(table.slot(limit, f"client {key}"), 10.0, 100.0, 1.0)
    # Of a Poisson distribution with 4 live slots in a set of 8 one in 47 has more than 8: some hundred are pushed out.
    assert table.evictions < 400
    assert len({table.slot(limit, "client 1") & table._mask & -WAYS for limit in limits}) > 1


def test_any_number_of_limit_names_is_bounded_memory() -> None:
    """Even a caller that spells limits wrong does not make the table grow."""
    table = table_of(1_024)
    slots = [table.slot(f"limit {number}", "x") for number in range(3_000)]
    assert len(table._spelled) <= 1_024
    assert table.slot("limit 0", "x") == slots[0]


WORKER = """
import sys
from shieldproxy.state.buckets import BucketTable
from shieldproxy.state.memory import NodeMemory, Region
from shieldproxy.state.slots import SlotTable
memory = NodeMemory.attach(int(sys.argv[1]))
table = BucketTable(SlotTable(memory.region(Region.BUCKETS), int(sys.argv[2])), memory.secret)
slot = table.slot("client", "192.0.2.1")
print(sum(table.charge(slot, 0.1, 5.0, 1000.0) >= 0.0 for _ in range(int(sys.argv[3]))))
"""


def charge_elsewhere(memory: NodeMemory, worker: int, times: int) -> int:
    command = [sys.executable, "-W", "error", "-c", WORKER, str(memory.fd), str(worker), str(times)]
    done = subprocess.run(command, pass_fds=(memory.fd,), capture_output=True, text=True, timeout=30, check=True)
    assert done.stderr == ""
    return int(done.stdout)


def test_a_limit_holds_for_the_node() -> None:
    """Three processes, one after the other, share a burst of 50 to the last token, and no worker's end resets it."""
    memory = NodeMemory.create(Sizes(buckets=1_024, bans=8, spent=8, workers=3), os.urandom(32))
    try:
        assert [charge_elsewhere(memory, worker, 20) for worker in range(3)] == [20, 20, 10]
        table = BucketTable(SlotTable(memory.region(Region.BUCKETS)), memory.secret)
        slot = table.slot("client", "192.0.2.1")
        assert table.charge(slot, 0.1, 5.0, 1_000.0) < 0.0
        slacks = [table.charge(slot, 0.1, 5.0, 1_003.0) for _ in range(30)]
        assert all(later < earlier for earlier, later in pairwise(slacks))
        assert slacks[-1] >= 0.0
    finally:
        memory.close()
