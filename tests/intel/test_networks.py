"""Networks: the right label, quickly, within bounds, whatever is asked and whatever happens to the files."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.facts import NetworkLabel
from shieldproxy.intel.databases import Databases
from shieldproxy.intel.networks import MET, Networks
from shieldproxy.intel.tables import read_classes, read_robots
from tests.contracts import check_networks
from tests.fakes.databases import asn_record, country_record, write_mmdb

UNKNOWN = NetworkLabel()


@pytest.fixture(scope="module")
def bundled() -> Networks:
    """What a new installation knows."""
    return Networks(Databases(folders=[]), read_classes(), read_robots())


def made(folder: Path, asn: Mapping[str, object], country: Mapping[str, object], *, ip_version: int = 6) -> Databases:
    """Databases of a test's own records."""
    return Databases(
        write_mmdb(folder / "a.mmdb", asn, ip_version=ip_version),
        write_mmdb(folder / "c.mmdb", country, "GeoLite2-Country", ip_version=ip_version),
        folders=[],
        snapshot=folder,
    )


# Allocations so old and large that the next snapshot will say the same. Some move between countries: no country there.
WELL_KNOWN = [
    ("8.8.8.8", (15169, "hosting", ""), "US"),
    ("66.249.66.1", (15169, "hosting", "googlebot"), "US"),
    ("2001:4860:4801:10::1", (15169, "hosting", "googlebot"), "US"),
    ("178.197.200.1", (3303, "carrier", ""), "CH"),
    ("2a02:1210::1", (3303, "carrier", ""), "CH"),
    ("80.128.0.1", (3320, "carrier", ""), "DE"),
    ("17.241.75.1", (714, "other", "applebot"), "US"),
    ("157.240.1.1", (32934, "other", "facebook"), ""),
    ("16.16.16.16", (16509, "hosting", ""), ""),
]


@pytest.mark.parametrize(("address", "expected", "country"), WELL_KNOWN)
def test_well_known_addresses(bundled: Networks, address: str, expected: tuple[int, str, str], country: str) -> None:
    """The bundled snapshot knows networks everybody knows; a second look gives the same."""
    label = bundled.label(address)
    assert (label.asn, label.network_class, label.crawler) == expected
    assert not country or label.country == country
    assert label.as_name
    assert bundled.label(address) == label


NOBODY = [
    "192.168.1.1",
    "100.64.1.1",
    "127.0.0.1",
    "203.0.113.7",
    "::1",
    "fe80::1",
    "2001:db8::1",
    "ff02::1",
    "::8.8.8.8",
]


@pytest.mark.parametrize("address", NOBODY)
def test_bogons_belong_to_no_network(tmp_path: Path, address: str) -> None:
    """A database once placed 192.168.1.1 in Australia; we ask none about such addresses."""
    everything = {"0.0.0.0/1": asn_record(64496, "All"), "128.0.0.0/1": asn_record(64496, "All")}
    everything |= {"8000::/1": asn_record(64496, "All"), "2000::/3": asn_record(64496, "All")}
    networks = Networks(made(tmp_path, everything, {"8.0.0.0/8": country_record("AU")}), {64496: "vpn"}, [])
    assert networks.label("8.8.8.8").asn == 64496
    assert networks.label(address) == UNKNOWN
    assert networks.label(address) == UNKNOWN


@pytest.mark.parametrize(
    "text",
    ["", "unix:", "8.8.8", "8.8.8.8.8", "8.8.8.8:80", "x:8.8.8.8", "fe80::1%eth0", ":", "...", "\0", "ä", "1" * 10_000],
)
def test_what_is_no_address_is_unknown(bundled: Networks, text: str) -> None:
    """Nothing raises and nothing is remembered about text that is no address."""
    before = len(bundled)
    assert bundled.label(text) == UNKNOWN
    assert len(bundled) == before


@given(st.text())
def test_no_text_raises(text: str) -> None:
    """Any text gets a label."""
    assert EMPTY.label(text) == UNKNOWN


EMPTY = Networks(Databases(folders=[], snapshot=Path("no such folder")), {}, [])


@pytest.mark.parametrize("mapped", ["::ffff:8.8.8.8", "::FFFF:8.8.8.8", "::ffff:808:808"])
def test_mapped_addresses_are_their_ipv4_address(bundled: Networks, mapped: str) -> None:
    """In whatever clothes IPv4 comes, it is the same network."""
    assert bundled.label(mapped) == bundled.label("8.8.8.8")


def test_it_keeps_the_contract_of_the_port(bundled: Networks) -> None:
    """The guard relies on what core.ports promises."""
    check_networks(bundled)
    assert bundled.version.startswith("asn:2")


def test_narrow_networks_are_told_apart(tmp_path: Path) -> None:
    """Half a /24, a single robot, half a /48: neighbours keep their own labels, in whatever order they come."""
    databases = made(
        tmp_path,
        {
            "11.0.0.0/25": asn_record(1, "One"),
            "11.0.0.128/25": asn_record(2, "Two"),
            "2a0b::/49": asn_record(3, "Three"),
        },
        {"11.0.0.0/16": country_record("CH"), "2a0b::/32": country_record("DE")},
    )
    networks = Networks(databases, {1: "hosting"}, [(ipaddress.ip_network("11.0.1.7/32"), "examplebot")])
    asked = {
        "11.0.0.1": NetworkLabel(1, "One", "CH", "hosting", ""),
        "11.0.0.2": NetworkLabel(1, "One", "CH", "hosting", ""),
        "11.0.0.129": NetworkLabel(2, "Two", "CH", "other", ""),
        "11.0.1.7": NetworkLabel(0, "", "CH", "other", "examplebot"),
        "11.0.1.8": NetworkLabel(0, "", "CH", "other", ""),
        "2a0b::1": NetworkLabel(3, "Three", "DE", "other", ""),
        "2a0b:0:0:8000::1": NetworkLabel(0, "", "DE", "other", ""),
        "2a0b:0:1::1": NetworkLabel(0, "", "DE", "other", ""),
    }
    order = list(asked) * 3
    random.Random(7).shuffle(order)
    for address in order:
        assert networks.label(address) == asked[address]


PARTS = st.sampled_from([0, 1, 127, 128, 255])
V4 = st.builds(lambda c, d: f"11.0.{c}.{d}", PARTS, PARTS)
V6 = st.builds(lambda c, d: str(ipaddress.ip_address((0x2A0B << 112) | (c << 80) | (d << 72))), PARTS, PARTS)
NETWORKS_V4 = st.builds(lambda a, n: str(ipaddress.ip_network((a, n), strict=False)), V4, st.integers(16, 32))
NETWORKS_V6 = st.builds(lambda a, n: str(ipaddress.ip_network((a, n), strict=False)), V6, st.integers(32, 64))
NETWORK = st.one_of(NETWORKS_V4, NETWORKS_V6)


@given(
    st.dictionaries(NETWORK, st.integers(1, 9), max_size=5),
    st.dictionaries(NETWORK, st.sampled_from(["CH", "DE"]), max_size=3),
    st.dictionaries(NETWORK, st.sampled_from(["a-bot", "b-bot"]), max_size=3),
    st.lists(st.one_of(V4, V6), min_size=1, max_size=30),
)
def test_remembering_changes_no_answer(
    tmp_path_factory: pytest.TempPathFactory,
    asns: dict[str, int],
    countries: dict[str, str],
    robots: dict[str, str],
    asked: list[str],
) -> None:
    """Whatever the databases and tables hold, the remembered answer is the one a fresh look gives."""
    folder = tmp_path_factory.mktemp("laws")
    # Widest first: the writer lets later, narrower networks cut earlier ones.
    asn = {n: asn_record(asns[n], "x") for n in sorted(asns, key=lambda n: int(n.partition("/")[2]))}
    country = {n: country_record(countries[n]) for n in sorted(countries, key=lambda n: int(n.partition("/")[2]))}
    databases = made(
        folder, {"12.0.0.0/8": asn_record(12, "x"), **asn}, {"12.0.0.0/8": country_record("US"), **country}
    )
    table = [(ipaddress.ip_network(network), robot) for network, robot in robots.items()]
    networks = Networks(databases, {1: "vpn"}, table)
    for address in asked + asked:
        assert networks.label(address) == Networks(databases, {1: "vpn"}, table).label(address)


def test_memory_is_bounded(bundled: Networks) -> None:
    """However many networks ask, no more answers are remembered than the capacity."""
    small = Networks(Databases(folders=[]), {}, [], capacity=100)
    for number in range(1_000):
        small.label(f"11.{number % 250}.{number // 250}.1")
        small.label(f"2a00:{number:x}::1")
    assert len(small) == 100
    assert small.label("8.8.8.8") == bundled.label("8.8.8.8")._replace(network_class="other")


def test_a_swap_is_seen_at_once(tmp_path: Path) -> None:
    """After a refresh no label comes from the old file."""
    databases = made(tmp_path, {"11.0.0.0/8": asn_record(1, "One")}, {"11.0.0.0/8": country_record("CH")})
    networks = Networks(databases, {}, [])
    assert networks.label("11.0.0.1").asn == 1
    write_mmdb(tmp_path / "a.mmdb", {"11.0.0.0/8": asn_record(2, "Two")}, built=1_790_000_000)
    assert networks.label("11.0.0.1").asn == 1
    databases.refresh()
    assert networks.label("11.0.0.1") == NetworkLabel(2, "Two", "CH", "other", "")
    assert networks.version == "asn:2026-09-21/country:2026-06-17"


def test_ipv4_only_files_know_nothing_of_ipv6(tmp_path: Path) -> None:
    """Some makers sell them apart; it is no fault."""
    asn, country = {"11.0.0.0/8": asn_record(1, "One")}, {"11.0.0.0/8": country_record("CH")}
    networks = Networks(made(tmp_path, asn, country, ip_version=4), {}, [])
    assert networks.label("11.0.0.1").country == "CH"
    assert networks.label("2a0b::1") == UNKNOWN
    assert networks.faults == 0


def test_a_file_with_a_rotten_place_spoils_only_the_addresses_there(tmp_path: Path) -> None:
    """A look-up that fails is an unknown address and a number in a counter, never an exception."""
    # More records than are read when a file is opened, and the rotten one among the last.
    records = {
        f"{11 + number // 256}.{number % 256}.0.0/16": asn_record(number, f"Network {number}")
        for number in range(1, 700)
    }
    path = write_mmdb(tmp_path / "a.mmdb", records)
    content = path.read_bytes()
    assert content.count(b"Network 690") == 1
    path.write_bytes(content.replace(b"Network 690", b"\xff" * 11))
    networks = Networks(Databases(path, folders=[], snapshot=tmp_path), {}, [])
    assert networks.label("13.179.0.1").asn == 691
    assert networks.faults == 0
    assert networks.label("13.178.0.1") == UNKNOWN
    assert networks.faults == 1
    assert networks.label("13.178.0.1") == UNKNOWN
    assert networks.faults == 1, "the answer is remembered, so a flood from there costs no more than another"


def test_who_was_met_has_a_name(tmp_path: Path) -> None:
    """The label of each AS number that was looked up is at hand by its number, within a bound; unknown ones are not."""
    asn = {f"{first}.0.0.0/8": asn_record(64500 + first, f"Network {first}") for first in range(11, 20)}
    networks = Networks(made(tmp_path, asn, {"11.0.0.0/8": country_record("CH")}), {}, ())
    for first in range(11, 20):
        networks.label(f"{first}.2.3.4")
    networks.label("21.2.3.4")
    networks.label("10.2.3.4")
    assert {number: label.as_name for number, label in networks.met.items()} == {
        64500 + first: f"Network {first}" for first in range(11, 20)
    }
    assert networks.met[64511].country == "CH"
    assert networks.met.maxsize == MET
