from __future__ import annotations

import pytest

from shieldproxy.attribution.evidence import case as cases
from shieldproxy.attribution.evidence.case import counted, span
from shieldproxy.core.record import rfc3339
from tests.fakes.evidence import TERMS, attacker, case_of, filled_case
from tests.fakes.records import TEN_FIFTEEN


def test_records_add_up_by_source() -> None:
    """Counts by weight, first and last sight, ports as far as they are needed; heaviest first."""
    case = case_of()
    for second, weight in ((5, 2), (1, 3), (9, 1)):
        record = attacker(second, 7, weight=weight, src_port=40_000 + second)
        case.add(record.to_dict(), b"{}\n")
    case.add(attacker(3, 8).to_dict(), b"{}\n")
    one, two = case.heaviest()
    assert (one.address, one.count, one.ports) == ("203.0.113.7", 6, [40_005, 40_001, 40_009])
    assert (one.first, one.last) == (rfc3339(TEN_FIFTEEN + 1), rfc3339(TEN_FIFTEEN + 9))
    assert (two.address, two.count) == ("203.0.113.8", 1)
    assert (case.records, case.requests, case.blamed) == (4, 7, 7)
    assert case.target == ("198.51.100.1", 443)
    assert span(case.heaviest()) == (one.first, one.last)


def test_whoever_was_admitted_is_no_source() -> None:
    """Also when all decisions are exported: a visitor must never stand in a table of attackers."""
    case = case_of()
    case.add(attacker(1, 1, action="admit").to_dict(), b"{}\n")
    assert (case.records, case.requests, case.sources, case.blamed) == (1, 1, {}, 0)
    assert case.actions == {"admit": 1}


def test_networks_are_apart() -> None:
    """By ASN, each with its heaviest source first."""
    found = filled_case().by_network()
    assert {asn: sources[0].address for asn, sources in found.items()} == {
        64501: "203.0.113.9",
        64500: "203.0.113.8",
    }


def test_no_table_grows_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit is counted."""
    monkeypatch.setattr(cases, "MOST_SOURCES", 3)
    monkeypatch.setattr(cases, "MOST_NAMES", 2)
    monkeypatch.setattr(cases, "MOST_PORTS", 1)
    case = filled_case()
    for port in (1, 2):
        case.add(attacker(1, 0, src_port=port, host=f"{port}.example", dst_ip=f"198.51.100.{port}").to_dict(), b"")
    assert (len(case.sources), case.uncounted_sources) == (3, 7)
    assert len(case.hosts) == len(case.targets) == 2
    assert len(case.sources["203.0.113.0"].ports) == 1


def test_numbers_have_their_nouns() -> None:
    """One address, two addresses; the domain of a contact is what XARF asks for."""
    assert (counted(1, "address", "addresses"), counted(2000, "address", "addresses")) == (
        "1 address",
        "2,000 addresses",
    )
    assert TERMS.domain == "example.org"
    assert case_of().target == ("", 0)
