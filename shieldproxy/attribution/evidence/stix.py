"""STIX 2.1: the case as a bundle of plain dictionaries with deterministic identifiers.

A source that two organisations report has the same identifier in both reports (STIX 2.1, 2.9: UUIDv5 of its value).
"""

from __future__ import annotations

import json
import uuid
from hashlib import sha256
from typing import Any

from shieldproxy.attribution.evidence import wording
from shieldproxy.attribution.evidence.case import Case, Source
from shieldproxy.core.addresses import parse_address

Object = dict[str, Any]

# The namespace of the standard for observables.
OBSERVABLES = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
# number_observed of the standard ends here.
MOST_OBSERVED = 999_999_999
_TLP_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
_TLP = {
    "clear": "94868c89-83c2-464b-929b-a1a8aa3c8487",
    "green": "bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "amber": "55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "amber+strict": "939a9414-2ddd-4d32-a0cd-375ea402b003",
    "red": "e828b379-4e03-4974-9ac4-e53a884c97c1",
}


def bundle_of(case: Case) -> Object:
    """Return the case as one bundle: who reports, sources, their networks, what was observed, a report on top."""
    marking = _marking(case.terms.tlp)
    common = {
        "spec_version": "2.1",
        "created": _milliseconds(case.created),
        "modified": _milliseconds(case.created),
        "object_marking_refs": [marking["id"]],
    }
    identity = {
        "type": "identity",
        **common,
        "id": f"identity--{_uuid(case.terms.organisation)}",
        "name": case.terms.organisation,
        "identity_class": "organization",
    }
    common["created_by_ref"] = identity["id"]
    seen: dict[str, Object] = {}
    for source in case.heaviest():
        for found in _observed(case, source, common):
            seen.setdefault(found["id"], found)
    objects = list(seen.values())
    report = {
        "type": "report",
        **common,
        "id": f"report--{_uuid(f'report {case.key}')}",
        "name": f"HTTP flood {case.key}",
        "description": f"{case.blamed} requests from {len(case.sources)} addresses. {wording.HANDSHAKE} "
        f"{wording.labels(case)}",
        "report_types": ["observed-data"],
        "published": _milliseconds(case.created),
        "object_refs": [identity["id"], *(found["id"] for found in objects)],
    }
    return {
        "type": "bundle",
        "id": f"bundle--{_uuid(f'bundle {case.key}')}",
        "objects": [marking, identity, *objects, report],
    }


def _observed(case: Case, source: Source, common: Object) -> list[Object]:
    address = parse_address(source.address)
    if address is None:
        return []
    family = f"ipv{address.version}"
    host = _observable(f"{family}-addr", {"value": source.address})
    found = [host]
    if source.asn:
        network = _observable(
            "autonomous-system", {"number": source.asn}, {"name": source.as_name or f"AS{source.asn}"}
        )
        found.append(network)
        host["belongs_to_refs"] = [network["id"]]
    traffic: Object = {
        "start": _shortest(source.first),
        "end": _shortest(source.last),
        "src_ref": host["id"],
        "protocols": [family, "tcp", "http"],
    }
    if source.ports:
        traffic["src_port"] = source.ports[0]
    if case.target[1]:
        traffic["dst_port"] = case.target[1]
    found.append(_observable("network-traffic", traffic, {"is_active": False}))
    data = {
        "type": "observed-data",
        **common,
        "id": f"observed-data--{_uuid(f'{case.key} {source.address}')}",
        "first_observed": _milliseconds(source.first),
        "last_observed": _milliseconds(source.last),
        "number_observed": min(source.count, MOST_OBSERVED),
        "object_refs": [part["id"] for part in found],
    }
    return [*found, data]


def _observable(kind: str, named: Object, more: Object | None = None) -> Object:
    """Return an observable whose identifier is made of the properties in ``named``, as the standard says."""
    canonical = json.dumps(named, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    identifier = f"{kind}--{uuid.uuid5(OBSERVABLES, canonical)}"
    return {"type": kind, "spec_version": "2.1", "id": identifier, **named, **(more or {})}


def _marking(tlp: str) -> Object:
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{_TLP[tlp]}",
        "created": "2022-10-01T00:00:00.000Z",
        "name": f"TLP:{tlp.upper()}",
        "extensions": {_TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": tlp}},
    }


def _shortest(ts: str) -> str:
    """Return a ts as identifiers are made of it: without zeros at its end."""
    return f"{ts[:-1].rstrip('0').rstrip('.')}Z"


def _uuid(name: str) -> str:
    """Return an identifier for what is no observable: always the same, in the form of UUIDv4 that consumers expect."""
    return str(uuid.UUID(bytes=sha256(name.encode()).digest()[:16], version=4))


def _milliseconds(ts: str) -> str:
    return f"{ts[:23]}Z"
