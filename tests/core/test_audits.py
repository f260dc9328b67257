"""Audits: as many as were asked for, by chance, and none when none are wanted."""

from __future__ import annotations

import random

from shieldproxy.core.audits import Audits


def chance(seed: int) -> random.Random:
    """Return chance that is the same in every run."""
    return random.Random(seed)


def test_a_share_of_page_views_is_drawn() -> None:
    """One in a hundred of 200,000, within five deviations."""
    audits = Audits(chance(1).randbytes, 0.01)
    drawn = sum(audits.draw() for _ in range(200_000))
    assert abs(drawn - 2_000) < 5 * 45


def test_each_view_has_the_same_chance() -> None:
    """The first of a node as much as any later one, and the one after an audit too."""
    firsts = afters = 0
    for seed in range(4_000):
        audits = Audits(chance(seed).randbytes, 0.25)
        firsts += audits.draw()
        while not audits.draw():
            pass
        afters += audits.draw()
    assert abs(firsts - 1_000) < 5 * 28
    assert abs(afters - 1_000) < 5 * 28


def test_none_and_all_are_what_they_say() -> None:
    """A share of 0 never draws, of 1 always; a new share holds at once."""
    audits = Audits(chance(2).randbytes)
    assert not any(audits.draw() for _ in range(10_000))
    audits.adopt(1.0)
    assert all(audits.draw() for _ in range(100))
    audits.adopt(0.0)
    assert not any(audits.draw() for _ in range(100))


def test_the_least_chance_there_is_makes_a_gap() -> None:
    """Eight bytes of nothing, and eight of ones."""
    assert not Audits(bytes, 0.0002).draw()
    assert Audits(lambda count: b"\xff" * count, 0.0002).draw()
