"""Tables: the readable files of the snapshot, and what must be true of them."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from shieldproxy.core.facts import NETWORK_CLASSES
from shieldproxy.intel.prefixes import PrefixTable
from shieldproxy.intel.tables import SNAPSHOT, read_classes, read_robots, rows

KNOWN_CLASSES = [
    (212238, "vpn"),  # Datacamp, the largest source of the flood of 2024-01-17
    (9009, "vpn"),  # M247
    (60068, "hosting"),  # Datacamp, its data centres
    (16509, "hosting"),  # Amazon
    (24940, "hosting"),  # Hetzner
    (16276, "hosting"),  # OVH
    (3320, "carrier"),  # Deutsche Telekom
    (3303, "carrier"),  # Swisscom
    (3215, "carrier"),  # Orange France
    (6830, "carrier"),  # Liberty Global
    (21928, "carrier"),  # T-Mobile USA, many people behind each address
    (29465, "carrier"),  # MTN Nigeria, although a list calls it bad
    (36183, "other"),  # iCloud Private Relay, although a list calls it a data centre
    (37170, "other"),  # University of Lagos, although a list calls it bad
]


@pytest.mark.parametrize(("asn", "word"), KNOWN_CLASSES)
def test_classes_of_well_known_networks(asn: int, word: str) -> None:
    """Networks everybody knows are what everybody knows they are."""
    assert read_classes()[asn] == word


def test_unlisted_networks_have_no_row() -> None:
    """Transit (Cogent), content networks and universities are of no class; 0 is no network."""
    classes = read_classes()
    assert not {174, 3356, 559, 13335, 0} & classes.keys()
    assert set(classes.values()) == set(NETWORK_CLASSES)


def test_no_carrier_counts_as_hosting() -> None:
    """Every network of the list made by hand has the class carrier, whatever other lists say."""
    classes = read_classes()
    with (SNAPSHOT / "carriers.csv").open(encoding="utf-8") as lines:
        carriers = [int(row["asn"]) for row in rows(lines)]
    assert len(carriers) == len(set(carriers)) > 300
    assert {classes[asn] for asn in carriers} == {"carrier"}


def test_robots_have_networks_and_none_has_a_neighbour_in_it() -> None:
    """Each network belongs to one robot, none is so wide that it could be a whole provider."""
    robots = read_robots()
    assert len({network for network, _ in robots}) == len(robots)
    assert min(network.prefixlen for network, _ in robots if network.version == 4) >= 14
    assert min(network.prefixlen for network, _ in robots if network.version == 6) >= 29
    table = PrefixTable(robots)
    for network, robot in robots:
        assert table.find(int(network.network_address), network.version) == robot


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",  # Google's resolver: Google's, but no crawler
        "34.90.1.1",  # customers of Google's cloud
        "104.28.28.1",  # iCloud Private Relay
        "104.16.1.1",  # Cloudflare
        "192.0.2.1",
    ],
)
def test_people_and_customers_are_no_robots(address: str) -> None:
    """Ranges that other people's traffic comes from are not in the table."""
    assert PrefixTable(read_robots()).find(int(ipaddress.ip_address(address)), 4) == ""


def test_comments_are_no_rows(tmp_path: Path) -> None:
    """A line that begins with # says nothing."""
    path = tmp_path / "classes.csv"
    path.write_text("# ours\nasn,class\n64496,vpn\n# 64497,vpn\n")
    assert read_classes(path) == {64496: "vpn"}


@pytest.mark.parametrize("row", ["64496,bad", "AS64496,vpn", ",vpn", "64496", "٣,vpn"])
def test_a_wrong_class_row_is_named(row: str, tmp_path: Path) -> None:
    """A table with a mistake is refused with the row, not half used."""
    path = tmp_path / "classes.csv"
    path.write_text(f"asn,class\n{row}\n")
    with pytest.raises(ValueError, match=r"classes\.csv: "):
        read_classes(path)


@pytest.mark.parametrize("row", ["192.0.2.0/24,", "192.0.2.1/24,googlebot", "example,googlebot"])
def test_a_wrong_robot_row_is_refused(row: str, tmp_path: Path) -> None:
    """A range that cannot be read makes nobody a verified crawler."""
    path = tmp_path / "robots.csv"
    path.write_text(f"network,robot\n{row}\n")
    with pytest.raises(ValueError, match=r"192\.0\.2|example"):
        read_robots(path)
