from __future__ import annotations

import pytest

from shieldproxy.attribution.evidence.stix import MOST_OBSERVED, bundle_of
from tests.fakes.evidence import TERMS, attacker, case_of, filled_case


def test_identifiers_are_those_of_the_standard() -> None:
    """STIX 2.1, 2.9: the UUIDv5 of the value, so that two organisations name an address alike."""
    found = {part["id"] for part in bundle_of(filled_case())["objects"]}
    # As the library stix2 3.0.2 makes them of the same values.
    assert {
        "ipv4-addr--a734a2df-c60c-5b0c-958b-997142ef4ba6",
        "autonomous-system--0a5f7072-df00-5729-9f0a-4eb18631a446",
        "network-traffic--0d5b730e-a777-50ba-9793-142bfcc35cda",
    } <= found


def test_every_reference_leads_somewhere() -> None:
    """And nothing stands in the bundle twice."""
    objects = bundle_of(filled_case())["objects"]
    names = [part["id"] for part in objects]
    assert len(names) == len(set(names))
    for part in objects:
        for key, value in part.items():
            if key.endswith(("_ref", "_refs")):
                assert set([value] if isinstance(value, str) else value) <= set(names), key


def test_what_was_observed_is_said_of_each_source() -> None:
    """How often, when, from which port to which."""
    objects = bundle_of(filled_case())["objects"]
    observed = [part for part in objects if part["type"] == "observed-data"]
    assert sorted(part["number_observed"] for part in observed) == list(range(1, 11))
    (traffic,) = [part for part in objects if part.get("src_port") == 40_004]
    assert (traffic["dst_port"], traffic["protocols"]) == (443, ["ipv4", "tcp", "http"])
    assert traffic["start"] == "2026-11-24T10:15:04Z"
    (report,) = [part for part in objects if part["type"] == "report"]
    assert "handshake" in report["description"]


@pytest.mark.parametrize("tlp", ["clear", "green", "amber", "amber+strict", "red"])
def test_everything_is_marked(tlp: str) -> None:
    """With the definition of TLP 2.0."""
    objects = bundle_of(filled_case(terms=TERMS._replace(tlp=tlp)))["objects"]
    (marking,) = [part for part in objects if part["type"] == "marking-definition"]
    assert marking["name"] == f"TLP:{tlp.upper()}"
    assert all(part["object_marking_refs"] == [marking["id"]] for part in objects if "created_by_ref" in part)


def test_edges_of_the_standard() -> None:
    """IPv6, sources without ASN, port or a readable address, and counts beyond what may be said."""
    case = case_of()
    case.add(attacker(1, 1, src_ip="2001:db8::1", asn=0, src_port=0, dst_port=0, weight=10**10).to_dict(), b"")
    case.add(attacker(1, 1, src_ip="somewhere").to_dict(), b"")
    objects = bundle_of(case)["objects"]
    kinds = [part["type"] for part in objects]
    assert kinds.count("ipv6-addr") == kinds.count("observed-data") == 1
    assert "autonomous-system" not in kinds
    assert [part["number_observed"] for part in objects if part["type"] == "observed-data"] == [MOST_OBSERVED]
