"""Shapes: the fields of every maker, and no record that could harm us."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.intel.shapes import MAX_NAME, asn_of, country_of

ASN_SHAPES = [
    # MaxMind GeoLite2-ASN, DB-IP Lite, ip-location-db, our snapshot
    ({"autonomous_system_number": 3303, "autonomous_system_organization": "Swisscom"}, (3303, "Swisscom")),
    # GeoIP2-ISP says more
    (
        {"autonomous_system_number": 3303, "autonomous_system_organization": "Swisscom", "isp": "Bluewin"},
        (3303, "Swisscom"),
    ),
    # IPinfo Lite
    ({"asn": "AS3303", "as_name": "Swisscom", "as_domain": "swisscom.ch", "country_code": "CH"}, (3303, "Swisscom")),
    # IPLocate
    ({"asn": "3303", "name": "Swisscom", "org": "Swisscom AG"}, (3303, "Swisscom AG")),
    ({"asn": 3303}, (3303, "")),
    # nothing useful
    ({}, (0, "")),
    (None, (0, "")),
    ("AS3303", (0, "")),
    ({"asn": ""}, (0, "")),
    ({"asn": "ASx"}, (0, "")),
    ({"asn": -1}, (0, "")),
    ({"asn": True}, (0, "")),
    ({"asn": 2**32}, (0, "")),
    ({"asn": "9" * 5000}, (0, "")),
    ({"asn": "AS٣"}, (0, "")),
    ({"autonomous_system_organization": "a name without a number"}, (0, "")),
]


@pytest.mark.parametrize(("record", "expected"), ASN_SHAPES)
def test_as_number_and_name_of_every_maker(record: object, expected: tuple[int, str]) -> None:
    """Each maker's fields are read; what is no AS number is none."""
    assert asn_of(record) == expected


COUNTRY_SHAPES = [
    ({"country": {"iso_code": "CH", "names": {"en": "Switzerland"}}}, "CH"),  # MaxMind, DB-IP
    ({"country_code": "CH"}, "CH"),  # ip-location-db, IPLocate
    ({"country": "Switzerland", "country_code": "CH", "continent": "Europe"}, "CH"),  # IPinfo Lite
    ({"country": "ch", "country_name": "Switzerland"}, "CH"),  # IPinfo, older
    ({"registered_country": {"iso_code": "US"}}, ""),  # where it is registered is not where it is
    ({"country": {}}, ""),
    ({"country": "Switzerland"}, ""),
    ({"country_code": "ÄÖ"}, ""),
    ({"country_code": "C1"}, ""),
    ({"country_code": 41}, ""),
    (["CH"], ""),
    (None, ""),
]


@pytest.mark.parametrize(("record", "expected"), COUNTRY_SHAPES)
def test_country_of_every_maker(record: object, expected: str) -> None:
    """Two letters or nothing."""
    assert country_of(record) == expected


def test_a_name_is_one_short_line() -> None:
    """What goes into every record and every terminal has no control characters and no length of its own choice."""
    number, name = asn_of({"asn": 1, "as_name": "a\nb\x1b[31mc" + "x" * 10_000})
    assert number == 1
    assert name.startswith("a b [31mc")
    assert len(name) <= MAX_NAME


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=6,
)
KEYS = st.sampled_from(
    ["asn", "autonomous_system_number", "autonomous_system_organization", "as_name", "country", "country_code"]
)


@given(st.one_of(VALUES, st.dictionaries(KEYS, VALUES)))
def test_no_record_raises(record: object) -> None:
    """Whatever a file holds, the answer has the right type and range."""
    number, name = asn_of(record)
    assert 0 <= number < 2**32
    assert len(name) <= MAX_NAME
    assert len(country_of(record)) in {0, 2}
