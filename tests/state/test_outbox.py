"""The outbox: nothing that waits is lost, in bounded room."""

from __future__ import annotations

from shieldproxy.core.rulings import Ruling
from shieldproxy.state.outbox import Outbox


def ban(number: int, until: float = 100.0, *, ends: bool = False, made: int = 1) -> Ruling:
    return Ruling("ban", f"192.0.2.{number}", made, until, ends=ends)


def test_what_waits_stays_until_it_is_told() -> None:
    """A server that fails in between has cost nothing."""
    outbox = Outbox()
    for number in range(3):
        outbox.put(ban(number))
    assert outbox.first(2, 0.0) == outbox.first(2, 0.0) == [ban(0), ban(1)]
    outbox.told(outbox.first(2, 0.0))
    assert outbox.first(2, 0.0) == [ban(2)]


def test_a_newer_ruling_takes_the_place_of_its_elder() -> None:
    """Also while the elder is being told; an end waits beside a ban, for both have a meaning to others."""
    outbox = Outbox()
    outbox.put(ban(1))
    telling = outbox.first(10, 0.0)
    outbox.put(ban(1, made=2))
    outbox.put(ban(1, made=3, ends=True))
    outbox.told(telling)
    assert [(one.made, one.ends) for one in outbox.first(10, 0.0)] == [(2, False), (3, True)]


def test_what_is_over_is_not_told() -> None:
    """A ban that ended while nobody could be told harms nobody."""
    outbox = Outbox()
    outbox.put(ban(1, until=5.0))
    outbox.put(ban(2, until=5.0)._replace(remembered=50.0))
    assert [one.key for one in outbox.first(10, 5.0)] == ["192.0.2.2"]
    assert (len(outbox), outbox.lost) == (1, 0)


def test_room_is_bounded_and_what_gave_way_counted() -> None:
    """The oldest goes: it ends soonest."""
    outbox = Outbox(most=2)
    for number in range(5):
        outbox.put(ban(number))
    assert [one.key for one in outbox.first(10, 0.0)] == ["192.0.2.3", "192.0.2.4"]
    assert outbox.lost == 3
