"""Mail for abuse desks: one draft for each network, plain text with a log extract, the table of addresses attached."""

from __future__ import annotations

import json
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from shieldproxy.attribution.evidence import wording
from shieldproxy.attribution.evidence.case import Case, Source, counted, span
from shieldproxy.attribution.evidence.cert_csv import csv_of
from shieldproxy.core.printing import printable

# A desk reads so many lines; the attachment has every address.
EXTRACT = 40


def draft(case: Case, asn: int, sources: list[Source], clock: str) -> bytes:
    """Return the draft of a mail about the ``sources`` in ``asn``; the sender fills in the desk's address."""
    first, last = span(sources)
    requests = sum(source.count for source in sources)
    addresses = counted(len(sources), "address", "addresses")
    network = f"AS{asn} {sources[0].as_name}".strip() if asn else "an unknown network"
    message = EmailMessage(policy=SMTP)
    message["Subject"] = printable(
        f"HTTP flood (DDoS) from {network}: {addresses}, {first[:16]} to {last[:16]} UTC, {case.key}"
    )
    message["From"] = case.terms.contact
    message["Date"] = format_datetime(datetime.fromisoformat(case.created))
    message["X-Unsent"] = "1"  # mail programs open it as a draft
    message["X-TLP"] = f"TLP:{case.terms.tlp.upper()}"
    text = _body(case, network, sources, (first, last, requests), clock)
    message.set_content(text, cte="quoted-printable")
    message.add_attachment(csv_of(sources).encode(), maintype="text", subtype="csv", filename=f"AS{asn}.csv")
    message.set_boundary(f"=={case.key}-AS{asn}==")
    return message.as_bytes()


def _body(case: Case, network: str, sources: list[Source], seen: tuple[str, str, int], clock: str) -> str:
    first, last, requests = seen
    address, port = case.target
    addresses = counted(len(sources), "address", "addresses")
    where = f"{address or 'not recorded'}{f' port {port}' if port else ''}"
    hosts = ", ".join(printable(host) for host, _ in case.hosts.most_common(3)) or "not recorded"
    return f"""TLP:{case.terms.tlp.upper()}
Incident type: availability / DDoS (HTTP flood, layer 7)
Reference: {case.key}
Reported by: {printable(case.terms.organisation)}, {case.terms.contact}
Network: {printable(network)}

{addresses} of your network sent {counted(requests, "request", "requests")} that we did not admit
between {first} and {last}.
Attacked: {where}, protocol TCP, hosts: {hosts}

{wording.HANDSHAKE}

{wording.TIMES} {clock}

Please find the customers behind these addresses by source port and time, and stop the traffic.
All addresses with first and last sight, count and source ports are in the attached table. Signed records
of each request are kept and can be handed over to an authority.

Extract (time, source address and port, target, protocol, request, answer):
{_extract(sources)}
"""


def _extract(sources: list[Source]) -> str:
    lines = []
    for source in sources:
        for data in source.samples[: max(1, EXTRACT // len(sources))]:
            lines.append(_line(json.loads(data)))
            if len(lines) == EXTRACT:
                return "\n".join(lines)
    return "\n".join(lines)


def _line(record: dict[str, object]) -> str:
    target = f"{record.get('dst_ip') or '-'}:{record.get('dst_port') or '-'}"
    request = printable(f"{record.get('method', '')} {record.get('host', '')}{record.get('path', '')}")[:120]
    weight = f" (and {int(str(record['weight'])) - 1} alike)" if record.get("weight", 1) != 1 else ""
    port = record.get("src_port") or "unknown"
    return f"{record['ts']} {record['src_ip']} port {port} -> {target} TCP {request} {record.get('status')}{weight}"
