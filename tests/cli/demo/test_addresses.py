"""Addresses drawn from the snapshot in the package."""

from __future__ import annotations

import ipaddress
from random import Random

import pytest

from shieldproxy.cli.demo.addresses import ROW, Snapshot, Wanted, row, survey
from shieldproxy.core.errors import StartError


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    """Return the snapshot in the package."""
    return Snapshot()


def test_grounds_are_what_was_asked_for(snapshot: Snapshot) -> None:
    """Named operators come first with their /24s, then hosting and VPN networks, each address labelled as theirs."""
    wanted = Wanted({60068: 3, 3320: 1}, (2, 1))
    grounds = survey(snapshot.lookup, snapshot.classes, wanted, Random(1))
    assert list(grounds)[:2] == [60068, 3320]
    assert [len(ground.blocks) for ground in grounds.values()] == [3, 1, 2, 1]
    for ground in grounds.values():
        for block in ground.blocks:
            assert snapshot.networks.label(f"{block}77").asn == ground.asn
    assert all(ground.network_class in ("hosting", "vpn") for ground in list(grounds.values())[2:])


def test_the_same_chance_draws_the_same(snapshot: Snapshot) -> None:
    """A demo that is run twice shows the same networks."""
    wanted = Wanted({174: 2}, (2,))
    first, second = (survey(snapshot.lookup, snapshot.classes, wanted, Random(5)) for _ in range(2))
    assert first == second


def test_who_must_not_stand_in_does_not(snapshot: Snapshot) -> None:
    """An operator named in ``never`` is passed over."""
    usual = survey(snapshot.lookup, snapshot.classes, Wanted({}, (2,)), Random(5))
    other = survey(snapshot.lookup, snapshot.classes, Wanted({}, (2,), frozenset(usual)), Random(5))
    assert not set(usual) & set(other)


def test_what_the_database_does_not_hold_is_said() -> None:
    """A snapshot without the operators ends with a sentence, not with a wait."""
    with pytest.raises(StartError, match="AS64500"):
        survey(lambda _: (None, 0), {}, Wanted({64500: 1}), Random(1))


def test_neighbours_stay_inside_their_prefix() -> None:
    """A row never leaves the prefix that was met, and never has a /24 twice."""
    assert row("192.0.2.1", 24) == ("192.0.2.",)
    assert row("192.0.3.1", 23) == ("192.0.3.", "192.0.2.")
    assert row("192.0.2.1", 25) == ()
    blocks = row("10.1.2.3", 8)
    assert len(set(blocks)) == ROW
    assert all(ipaddress.ip_address(f"{block}1") in ipaddress.ip_network("10.0.0.0/8") for block in blocks)


def test_a_robot_has_an_address_that_confirms_it(snapshot: Snapshot) -> None:
    """Googlebot's address lies in the range that Google publishes."""
    address = snapshot.robot_address("googlebot", Random(1))
    assert snapshot.networks.label(address).crawler == "googlebot"
    with pytest.raises(StartError):
        snapshot.robot_address("nobody", Random(1))


def test_an_address_of_the_new_family_is_checked(snapshot: Snapshot) -> None:
    """An IPv6 prefix that changed hands is named instead of giving a citizen a stranger's network."""
    assert snapshot.networks.label(snapshot.address_of("2003:c0::/28", 3320, Random(1))).network_class == "carrier"
    with pytest.raises(StartError):
        snapshot.address_of("2003:c0::/28", 64500, Random(1))
