from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.record import ALIKE, Record
from shieldproxy.journal.pressure import Sums
from tests.fakes.records import record_at

floods = st.lists(
    st.builds(
        record_at,
        st.floats(0, 100),
        client=st.sampled_from(("203.0.113.7", "203.0.113.8", "2001:db8::/64")),
        action=st.sampled_from(("admit", "throttle", "challenge")),
        rule=st.sampled_from(("client", "asn")),
        weight=st.integers(1, 5),
    ),
    max_size=60,
)


@given(floods, st.integers(1, 4), st.integers(0, 3))
def test_no_request_is_added_or_lost(flood: list[Record], capacity: int, singly: int) -> None:
    """Records given back singly and sums together weigh what was put in, however little room there is."""
    sums = Sums(window=10.0, capacity=capacity)
    out = []
    for second, record in enumerate(flood):
        out += sums.fold([record], float(second), singly)
        out += sums.due(float(second))
    assert sums.weight == sum(r.weight for r in flood) - sum(r.weight for r in out)
    out += sums.all()
    assert sum(record.weight for record in out) == sum(record.weight for record in flood)
    assert len(sums) == 0


def test_refusals_that_are_alike_become_one_record() -> None:
    """A thousand refusals of one client are one record: the first, with the weight of all."""
    sums = Sums()
    flood = [record_at(n / 1000, path=f"/{n}") for n in range(1000)]
    assert sums.fold(flood, 0.0) == []
    assert sums.due(10.0) == [flood[0]._replace(weight=1000)]


def test_a_lone_refusal_comes_back_as_it_was() -> None:
    """A sum of one is the record itself."""
    sums = Sums()
    record = record_at()
    sums.fold([record], 0.0)
    assert sums.all() == [record]


def test_what_was_admitted_is_never_summed() -> None:
    """Each admitted request keeps its own line, in its own place."""
    admitted = [record_at(n, action="admit") for n in range(3)]
    assert Sums().fold(admitted, 0.0) == admitted


@pytest.mark.parametrize("field", ALIKE)
def test_records_that_differ_in_what_people_count_by_stay_apart(field: str) -> None:
    """A sum never mixes two clients, actions, stages, rules, modes, challenges, hosts or episodes."""
    sums = Sums()
    first = record_at()
    second = record_at(0, **{field: False if field == "enforced" else "other"})
    sums.fold([first, second], 0.0)
    assert len(sums) == 2


def test_a_sum_is_due_when_its_window_is_over_and_not_before() -> None:
    """The tenth second after its first record, whatever came meanwhile."""
    sums = Sums(window=10.0)
    sums.fold([record_at(0)], 100.0)
    sums.fold([record_at(9)], 109.0)
    assert sums.due(109.9) == []
    assert [record.weight for record in sums.due(110.0)] == [2]


def test_room_is_bounded() -> None:
    """More clients than there is room for are written singly."""
    sums = Sums(capacity=10)
    flood = [record_at(client=f"192.0.2.{n}") for n in range(50)]
    assert len(sums.fold(flood, 0.0)) == 40
    assert len(sums) == 10


def test_the_first_refusals_of_a_client_are_written_singly() -> None:
    """A person who asks again finds each refusal under its own ID; the flood behind it is one record; then anew."""
    sums = Sums()
    flood = [record_at(n / 1000, path=f"/{n}") for n in range(100)]
    assert sums.fold(flood, 0.0, 5) == flood[:5]
    assert sums.due(10.0) == [flood[5]._replace(weight=95)]
    assert sums.fold(flood[:3], 10.0, 5) == flood[:3]
    assert sums.due(20.0) == []
