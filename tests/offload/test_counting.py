"""Counting: whatever is banned, ends and is banned again between two looks, the sum told is what was dropped."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.ladder import Ban
from shieldproxy.offload.counting import UNCLAIMED, Meter
from shieldproxy.offload.listing import Listing, read_listing
from shieldproxy.offload.targets import Element, Target, element_of, target_of
from tests.fakes.clock import HandClock
from tests.fakes.kernel import FakeKernel

ONE, TWO = target_of("192.0.2.1"), target_of("192.0.2.2")
OWNERS: dict[Target, Element] = {
    target_of(key): element_of(Ban(key, 100.0, "")) for key in ("192.0.2.1", "192.0.2.2", "192.0.2.3")
}


def test_only_what_is_new_is_told() -> None:
    """Counters grow; each look tells the growth, and silence is nothing."""
    meter = Meter()
    assert meter.take(Listing({ONE: 3, TWO: 0}, 3), OWNERS) == {"192.0.2.1": 3}
    assert meter.take(Listing({ONE: 3, TWO: 2}, 5), OWNERS) == {"192.0.2.2": 2}
    assert meter.take(Listing({ONE: 3, TWO: 2}, 5), OWNERS) == {}


def test_what_a_ban_took_with_it_is_told_one_look_later() -> None:
    """The element is gone with its counter; the table's counter still has it."""
    meter = Meter()
    meter.take(Listing({ONE: 3}, 3), OWNERS)
    assert meter.take(Listing({}, 7), OWNERS) == {}
    assert meter.take(Listing({}, 7), OWNERS) == {UNCLAIMED: 4}
    assert meter.take(Listing({}, 7), OWNERS) == {}


def test_a_counter_that_begins_anew_is_not_negative() -> None:
    """A ban that was written anew counts from nothing; what it had counted before is not lost either."""
    meter = Meter()
    meter.take(Listing({ONE: 3}, 3), OWNERS)
    assert meter.take(Listing({ONE: 1}, 6), OWNERS) == {"192.0.2.1": 1}
    assert meter.take(Listing({ONE: 1}, 6), OWNERS) == {UNCLAIMED: 2}


def test_a_new_table_counts_from_nothing() -> None:
    """After a restart of the meter no old figure is held against the new ones."""
    meter = Meter()
    meter.take(Listing({ONE: 30}, 30), OWNERS)
    meter.restart()
    assert meter.take(Listing({ONE: 1}, 1), OWNERS) == {"192.0.2.1": 1}
    assert meter.take(Listing({ONE: 1}, 1), OWNERS) == {}


def test_an_element_nobody_knows_is_counted_too() -> None:
    """What was dropped was dropped, whoever ordered it."""
    assert Meter().take(Listing({target_of("198.51.100.1"): 2}, 2), OWNERS) == {UNCLAIMED: 2}


steps = st.lists(
    st.one_of(
        st.tuples(st.just("hit"), st.sampled_from(list(OWNERS))),
        st.tuples(st.just("end"), st.sampled_from(list(OWNERS))),
        st.tuples(st.just("look"), st.just(ONE)),
    ),
    max_size=60,
)


@given(steps)
def test_the_sum_is_exact(played: list[tuple[str, Target]]) -> None:
    """At no moment more than was dropped is told, and two looks after the last packet all of it is."""
    kernel, meter, told = FakeKernel(HandClock()), Meter(), 0
    kernel.run("table inet shieldproxy {\n  set clients4 {")
    for what, target in played:
        key = OWNERS[target].key
        if what == "hit":
            kernel.run(f"add element inet shieldproxy clients4 {{ {key} timeout 9s }}")
            kernel.hit(key)
        elif what == "end" and target.span in kernel.spans("clients4"):
            kernel.run(f"delete element inet shieldproxy clients4 {{ {key} }}")
        elif what == "look":
            told += sum(meter.take(read_listing(kernel.list_table()), OWNERS).values())
        assert told <= kernel.total
    for _ in range(2):
        told += sum(meter.take(read_listing(kernel.list_table()), OWNERS).values())
    assert told == kernel.total
