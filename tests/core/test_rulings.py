"""Rulings: which of two about one key holds, in whatever order they arrive."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.rulings import Ruling, Standing, lifts, next_made, takes

KEY = "192.0.2.7"


def ban(made: int, until: float) -> Ruling:
    return Ruling("ban", KEY, made, until)


def allowance(made: int, until: float) -> Ruling:
    return Ruling("allow", KEY, made, until)


def end(made: int) -> Ruling:
    return Ruling("ban", KEY, made, 1e9, ends=True)


def applied(rulings: list[Ruling]) -> Standing:
    """Return what holds after ``rulings``, as a node's list applies them."""
    standing = Standing()
    for ruling in rulings:
        if not takes(standing, ruling):
            continue
        if ruling.ends:
            gone = lifts(standing, ruling)
            standing = Standing(ended=ruling.made) if gone else standing._replace(ended=ruling.made)
        else:
            standing = standing._replace(made=ruling.made, until=ruling.until)
    return standing


@pytest.mark.parametrize(
    ("standing", "ruling", "taken"),
    [
        (Standing(), ban(5, 100.0), True),
        (Standing(5, 100.0), ban(5, 100.0), False),  # the same again
        (Standing(5, 100.0), ban(9, 50.0), False),  # a milder order never replaces a stricter one
        (Standing(5, 100.0), ban(4, 200.0), True),  # a longer one does, though made before
        (Standing(ended=7), ban(7, 100.0), False),  # made before the end, or at once with it
        (Standing(ended=7), ban(8, 100.0), True),
        (Standing(5, 100.0), end(4), True),  # remembered
        (Standing(ended=7), end(7), False),
        (Standing(5, 100.0), allowance(6, 50.0), True),  # of allowances the later one holds
        (Standing(5, 100.0), allowance(4, 200.0), False),
    ],
)
def test_what_is_taken(standing: Standing, ruling: Ruling, taken: bool) -> None:  # noqa: FBT001 - a column of the table
    """Each rule in one row."""
    assert takes(standing, ruling) is taken


def test_an_end_lifts_what_was_made_before_it_and_nothing_else() -> None:
    """A ban made after somebody was pardoned stands."""
    assert lifts(Standing(5, 100.0), end(5))
    assert not lifts(Standing(6, 100.0), end(5))
    assert not lifts(Standing(), end(5))


def test_clocks_need_not_agree() -> None:
    """Whoever lifts a ban that a node with a fast clock made rules later than it, whatever the own clock says."""
    assert next_made(1.0, Standing(9_000, 100.0)) == 9_001
    assert next_made(1.0, Standing(ended=9_000)) == 9_001
    assert next_made(10.0, Standing(9_000, 100.0)) == 10_000


RULINGS = st.lists(
    st.one_of(st.builds(ban, st.integers(0, 20), st.integers(1, 50).map(float)), st.builds(end, st.integers(0, 20))),
    max_size=8,
)


@given(RULINGS, st.data())
def test_no_order_brings_back_what_was_ended(rulings: list[Ruling], data: st.DataObject) -> None:
    """Whatever arrives when, and how often: what holds was made after every end, and was ruled by somebody."""
    shuffled = data.draw(st.permutations(rulings + rulings[:3]))
    found = applied(shuffled)
    assert found.ended == max((ruling.made for ruling in rulings if ruling.ends), default=-1)
    if found.made >= 0:
        assert found.made > found.ended
        assert ban(found.made, found.until) in rulings


@given(RULINGS)
def test_with_ends_first_every_order_agrees(rulings: list[Ruling]) -> None:
    """As a node reads them that comes later: two that read the same in other orders hold the same."""
    ends = [ruling for ruling in rulings if ruling.ends]
    bans = [ruling for ruling in rulings if not ruling.ends][:4]
    assert len({applied(ends + list(order)) for order in itertools.permutations(bans)}) == 1


@given(RULINGS)
def test_the_same_again_changes_nothing(rulings: list[Ruling]) -> None:
    """A node that reads everything anew stands where it stood, once ends are known."""
    ends = [ruling for ruling in rulings if ruling.ends]
    bans = [ruling for ruling in rulings if not ruling.ends]
    once = applied(ends + bans)
    assert applied(ends + bans + bans + ends) == once
