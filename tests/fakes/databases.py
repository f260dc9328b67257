"""Tiny databases in the MaxMind format, written where a test wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmdb_writer import MMDBWriter, TreeWriter
from netaddr import IPSet

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

JUNE = 1_781_654_400  # 2026-06-17


def write_mmdb(
    path: Path,
    records: Mapping[str, Any],
    database_type: str = "GeoLite2-ASN",
    *,
    built: int = JUNE,
    ip_version: int = 6,
) -> Path:
    """Write `records` (network: record) as one database and return its path. The file replaces another in one step."""
    writer = MMDBWriter(ip_version=ip_version, ipv4_compatible=ip_version == 6)
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    meta = {
        "ip_version": ip_version,
        "database_type": database_type,
        "languages": ["en"],
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "description": {"en": "made by a test"},
        "build_epoch": built,
    }
    fresh = path.with_name(f"{path.name}.new")
    TreeWriter(writer.tree, meta).write(str(fresh))
    fresh.replace(path)
    return path


def asn_record(number: int, name: str) -> dict[str, object]:
    """A record as MaxMind and DB-IP write it."""
    return {"autonomous_system_number": number, "autonomous_system_organization": name}


def country_record(code: str) -> dict[str, object]:
    """A record as MaxMind and DB-IP write it."""
    return {"country": {"iso_code": code, "names": {"en": "a country"}}, "continent": {"code": "EU"}}
