"""Identifiers: short, sortable, and never given twice."""

from __future__ import annotations

import re

from shieldproxy.app.identifiers import Identifiers

SECOND = 0x6743A1B2


def of(worker: int = 0, chance: bytes = b"\0\0\0") -> Identifiers:
    """Return the identifiers of a worker that began with ``chance``, at SECOND."""
    found = Identifiers(worker, chance)
    found.tell_time(SECOND + 0.9)
    return found


def test_an_id_names_its_second_and_its_worker() -> None:
    """Whoever reads it out on a phone tells when it was, and where to look."""
    found = of(worker=10).next()
    assert re.fullmatch(r"6743a1b2\.a\.[0-9a-f]+", found)
    assert int(found.split(".")[0], 16) == SECOND


def test_ids_are_never_given_twice() -> None:
    """Not within a second, not after it, not by another worker, not after a restart within the second."""
    one, other, restarted = of(), of(worker=1), of(chance=b"\x01\0\0")
    given = [ids.next() for ids in (one, other, restarted) for _ in range(1_000)]
    one.tell_time(SECOND + 1)
    given += [one.next() for _ in range(1_000)]
    assert len(set(given)) == len(given)


def test_ids_of_a_worker_sort_by_their_age() -> None:
    """A list of them is in order, whatever the number of digits."""
    ids = of(chance=b"\0\xff\xf0")
    given = []
    for second in range(3):
        ids.tell_time(SECOND + second)
        given += [ids.next() for _ in range(30)]
    assert given == sorted(given)


def test_a_clock_that_goes_back_makes_no_id_twice() -> None:
    """The number counts on, whatever the second says."""
    ids = of()
    before = [ids.next() for _ in range(10)]
    ids.tell_time(SECOND - 3_600)
    ids.tell_time(SECOND)
    assert not {*before} & {ids.next() for _ in range(10)}
