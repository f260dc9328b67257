from __future__ import annotations

import base64
import json
import uuid
from hashlib import sha256
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

from shieldproxy.attribution.evidence import xarf
from shieldproxy.attribution.evidence.xarf import reports
from tests.fakes.evidence import attacker, case_of, filled_case

SCHEMAS = Path(__file__).parents[2] / "data" / "xarf"


def validator() -> Any:
    """Return a validator of connection/ddos reports, by the specification's own schemas."""
    core, ddos = (
        json.loads((SCHEMAS / f"xarf-{name}.schema.json").read_text()) for name in ("core", "connection-ddos")
    )
    registry: Any = Registry().with_resources([(core["$id"], Resource.from_contents(core))])
    return jsonschema.Draft202012Validator(ddos, registry=registry)


def test_reports_are_valid() -> None:
    """By the schemas of XARF 4.2, one report a source."""
    case = filled_case()
    found = reports(case, case.heaviest())
    assert len(found) == 10
    for report in found:
        validator().validate(report)
    assert len({report["report_id"] for report in found}) == 10
    assert found == reports(case, case.heaviest())


def test_the_schema_would_complain() -> None:
    """The check above checks: without a port it fails."""
    (report, *_) = reports(filled_case(), filled_case().heaviest())
    del report["source_port"]
    with pytest.raises(jsonschema.ValidationError):
        validator().validate(report)


def test_a_report_says_what_the_records_say() -> None:
    """Times, port, count, target, and records as evidence with their digest."""
    case = filled_case(terms=case_of().terms._replace(tlp="amber+strict"))
    report = reports(case, [case.sources["203.0.113.4"]])[0]
    assert (report["source_identifier"], report["source_port"], report["total_requests"]) == ("203.0.113.4", 40_004, 5)
    assert (report["destination_ip"], report["destination_port"]) == ("198.51.100.1", 443)
    assert (report["duration_seconds"], report["reporter"]["domain"]) == (1, "example.org")
    assert "tlp:amber-strict" in report["tags"]
    assert uuid.UUID(report["report_id"]).version == 4
    payload = base64.b64decode(report["evidence"][0]["payload"])
    assert report["evidence"][0]["hash"] == f"sha256:{sha256(payload).hexdigest()}"
    assert b"203.0.113.4" in payload


def test_without_a_port_there_is_no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """The format requires it, and behind an address shared by many it is what finds the customer."""
    case = case_of()
    case.add(attacker(1, 1, src_port=0, dst_ip="", dst_port=0).to_dict(), b"{}\n")
    assert reports(case, case.heaviest()) == []
    case.add(attacker(1, 2, dst_ip="", dst_port=0).to_dict(), b"{}\n")
    (report,) = reports(case, case.heaviest())
    assert "destination_ip" not in report
    monkeypatch.setattr(xarf, "MOST_REPORTS", 2)
    assert len(reports(filled_case(), filled_case().heaviest())) == 2
