"""CSV for CERTs: a line for each source, GovCERT.ch's header first so that their importers read it, ours behind."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from shieldproxy.attribution.evidence.case import Source

HEADER = ("ip_address", "first_seen_utc", "last_seen_utc", "counter", "as_number", "as_name", "geolocation")
OURS = ("src_ports_sample", "network_class", "labels_by", "first_seen_rfc3339", "last_seen_rfc3339")


def csv_of(sources: Iterable[Source]) -> str:
    """Return the table of ``sources``; an unknown ASN, name or country is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*HEADER, *OURS))
    for source in sources:
        writer.writerow(
            (
                source.address,
                moment(source.first),
                moment(source.last),
                source.count,
                source.asn or "",
                _cell(source.as_name),
                source.country,
                " ".join(str(port) for port in source.ports),
                source.network_class,
                source.geo,
                source.first,
                source.last,
            )
        )
    return text.getvalue()


def moment(ts: str) -> str:
    """Return a ts in the form of that header: ``2024-01-17 06:17:37``."""
    return ts[:19].replace("T", " ")


def _cell(text: str) -> str:
    # A spreadsheet takes such a cell for a formula.
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
