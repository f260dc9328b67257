"""XARF v4 (connection/ddos): a report for each source, as abuse desks read them by machine. One JSON object a line."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any

from shieldproxy.attribution.evidence import wording
from shieldproxy.attribution.evidence.case import Case, Source

VERSION = "4.2.0"
# A desk works through the heaviest first; the CSV has all.
MOST_REPORTS = 1_000


def reports(case: Case, sources: Iterable[Source]) -> list[dict[str, Any]]:
    """Return the reports on ``sources``. Without a source port there is none: the format requires it."""
    return [_report(case, source) for source in sources if source.ports][:MOST_REPORTS]


def _report(case: Case, source: Source) -> dict[str, Any]:
    payload = b"".join(source.samples)
    who = {"org": case.terms.organisation, "contact": case.terms.contact, "domain": case.terms.domain}
    address, port = case.target
    report = {
        "xarf_version": VERSION,
        "report_id": str(uuid.UUID(bytes=sha256(f"{case.key} {source.address}".encode()).digest()[:16], version=4)),
        "timestamp": source.last,
        "reporter": who,
        "sender": who,
        "source_identifier": source.address,
        "source_port": source.ports[0],
        "category": "connection",
        "type": "ddos",
        # The format has no word for the log of a web server; this one is nearest.
        "evidence_source": "traffic_monitoring",
        "protocol": "tcp",
        "attack_vector": "http_flood",
        "first_seen": source.first,
        "last_seen": source.last,
        "duration_seconds": max(1, round(_seconds(source.last) - _seconds(source.first))),
        "mitigation_applied": True,
        "description": f"{source.count} HTTP requests that were not admitted. {wording.HANDSHAKE} {wording.TIMES}"[
            :1000
        ],
        "tags": ["rsit:availability-ddos", f"tlp:{case.terms.tlp.replace('+', '-')}"],
        "evidence": [
            {
                "content_type": "application/json",
                "description": f"The first {len(source.samples)} decision records, one JSON object a line",
                "payload": base64.b64encode(payload).decode("ascii"),
                "hash": f"sha256:{sha256(payload).hexdigest()}",
                "size": len(payload),
            }
        ],
        # Fields of our own, which the format allows.
        "total_requests": source.count,
        "source_ports": source.ports,
        "asn": source.asn,
    }
    if address:
        report["destination_ip"] = address
    if port:
        report["destination_port"] = port
    return report


def _seconds(ts: str) -> float:
    return datetime.fromisoformat(ts).timestamp()
