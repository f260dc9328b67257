"""Lookup: everything about one address, for a person."""

from __future__ import annotations

from pathlib import Path

import geoip2.models
import pytest

from shieldproxy.intel.databases import Databases
from shieldproxy.intel.lookup import Description, describe
from shieldproxy.intel.networks import Networks
from tests.fakes.databases import asn_record, country_record, write_mmdb


def look(
    tmp_path: Path, asn: tuple[str, object], country: tuple[str, object], address: str = "11.0.0.1"
) -> Description:
    """Describe an address from two files of the given types and records for 11.0.0.0/8."""
    databases = Databases(
        write_mmdb(tmp_path / "a.mmdb", {"11.0.0.0/8": asn[1]}, asn[0]),
        write_mmdb(tmp_path / "c.mmdb", {"11.0.0.0/8": country[1]}, country[0]),
        folders=[],
        snapshot=tmp_path,
    )
    return describe(address, Networks(databases, {64496: "hosting"}, []), databases.databases())


MAXMIND = (("GeoLite2-ASN", asn_record(64496, "Example")), ("GeoLite2-Country", country_record("CH")))
SHAPES = [
    MAXMIND,
    (("GeoIP2-ISP", {**asn_record(64496, "Example"), "isp": "Example"}), ("GeoIP2-City", country_record("CH"))),
    (
        ("DBIP-ASN-Lite (compat=GeoLite2-ASN)", asn_record(64496, "Example")),
        ("DBIP-Country-Lite", country_record("CH")),
    ),
    (("ipinfo lite", {"asn": "AS64496", "as_name": "Example"}), ("ipinfo lite", {"country_code": "CH"})),
    (("shieldproxy-ASN", asn_record(64496, "Example")), ("shieldproxy-Country", {"country": {"iso_code": "CH"}})),
    (("asn", asn_record(64496, "Example")), ("Some-Country", {"country": "CH"})),
]


@pytest.mark.parametrize(("asn", "country"), SHAPES)
def test_typed_models_whoever_made_the_files(
    tmp_path: Path, asn: tuple[str, object], country: tuple[str, object]
) -> None:
    """geoip2's own models come out of every shape of file, and the short label agrees with them."""
    found = look(tmp_path, asn, country)
    assert isinstance(found.asn, geoip2.models.ASN)
    assert isinstance(found.country, geoip2.models.Country)
    assert (found.asn.autonomous_system_number, found.asn.autonomous_system_organization) == (64496, "Example")
    assert found.country.country.iso_code == "CH"
    assert found.network == "11.0.0.0/8"
    assert (found.label.asn, found.label.country, found.label.network_class) == (64496, "CH", "hosting")
    assert len(found.databases) == 2


def test_names_of_a_rich_database_are_kept(tmp_path: Path) -> None:
    """What only people need is there for people."""
    found = look(tmp_path, *MAXMIND)
    assert found.country is not None
    assert found.country.country.name == "a country"
    assert found.country.continent.code == "EU"


def test_an_address_no_file_knows_is_described_as_unknown(tmp_path: Path) -> None:
    """Silence is None, not an error."""
    found = look(tmp_path, *MAXMIND, "12.0.0.1")
    assert (found.asn, found.country, found.network, found.bogon) == (None, None, "", "")


def test_a_bogon_says_what_it_is_for(tmp_path: Path) -> None:
    """A private address has no network, and the person who asks hears why."""
    found = look(tmp_path, *MAXMIND, "192.168.1.1")
    assert found.bogon == "private"
    assert (found.asn, found.country, found.label.asn) == (None, None, 0)


def test_a_mapped_address_is_its_ipv4_address(tmp_path: Path) -> None:
    """People paste what their log says."""
    assert look(tmp_path, *MAXMIND, "::ffff:11.0.0.1").address == "11.0.0.1"


def test_what_is_no_address_is_refused(tmp_path: Path) -> None:
    """A person gets told, with what they typed."""
    with pytest.raises(ValueError, match="'example' is no IP address"):
        look(tmp_path, *MAXMIND, "example")


def test_a_file_that_changed_under_us_does_not_matter(tmp_path: Path) -> None:
    """What is loaded answers when the file on disk is broken by now."""
    path = write_mmdb(tmp_path / "a.mmdb", {"11.0.0.0/8": asn_record(64496, "Example")})
    databases = Databases(path, folders=[], snapshot=tmp_path)
    path.write_bytes(b"broken")
    found = describe("11.0.0.1", Networks(databases, {}, []), databases.databases())
    assert found.asn is not None
    assert found.asn.autonomous_system_number == 64496
