"""The cast: people on networks of people."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from shieldproxy.cli.demo.addresses import Snapshot
from shieldproxy.cli.demo.people import CAST, Habit
from shieldproxy.cli.demo.show import Cast, assemble


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    """Return the snapshot in the package."""
    return Snapshot()


@pytest.fixture(scope="module")
def cast(snapshot: Snapshot) -> Cast:
    """Return everybody who plays."""
    return assemble(snapshot, Random(20240117))


def test_most_people_sit_on_carriers(cast: Cast, snapshot: Snapshot) -> None:
    """Labels come from the snapshot: carriers, two neighbours of the botnet for each kind, a rented server, a robot."""
    labels = [snapshot.networks.label(person.address) for person in cast.people]
    classes = Counter(label.network_class for label in labels)
    assert classes["carrier"] > 20
    assert {212238, 174} < {label.asn for label in labels}
    assert sum(label.crawler == "googlebot" for label in labels) == 1


def test_several_people_share_one_address(cast: Cast) -> None:
    """Four citizens are behind one address of a carrier; everybody else has an own one."""
    counts = Counter(person.address for person in cast.people)
    assert sorted(counts.values()) == [1] * (len(CAST) - 4) + [4]


def test_no_citizen_has_an_address_of_the_botnet(cast: Cast) -> None:
    """Who is hurt can be told from who attacks."""
    assert not {person.address for person in cast.people} & {bot.address for bot in cast.bots}


def test_people_come_before_and_during_the_flood() -> None:
    """Some are there before a quarter of the show is over, some come while the flood rages; all sorts of programs."""
    arrivals = [role.arrives for role in CAST]
    assert sum(arrives < 0.25 for arrives in arrivals) > 10
    assert sum(arrives > 0.25 for arrives in arrivals) > 8
    assert {role.habit for role in CAST} == set(Habit)


def test_both_families_of_addresses_take_part(cast: Cast) -> None:
    """IPv6 citizens are citizens."""
    assert sum(":" in person.address for person in cast.people) == 2
