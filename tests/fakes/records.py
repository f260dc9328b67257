"""Decision records and journals made by hand, at a time that the test chooses."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from shieldproxy.core.record import Record, rfc3339
from shieldproxy.journal.segment_writer import EVERY_MINUTE, Rotation, SegmentWriter
from tests.fakes.clock import HandClock

# 2026-11-24T10:15:00Z, a Tuesday.
TEN_FIFTEEN = 1_795_515_300.0


def record_at(second: float = 0.0, **fields: Any) -> Record:
    """Return the refusal of one client, ``second`` seconds after 10:15; ``fields`` say what is different."""
    moment = TEN_FIFTEEN + second
    common: dict[str, Any] = {
        "ts": rfc3339(moment),
        "id": f"{int(moment):x}.0.{int(second * 1000) & 0xFFFFFF:x}",
        "node": "edge1",
        "src_ip": "203.0.113.7",
        "src_port": 40_000,
        "client": "203.0.113.7",
        "asn": 64500,
        "as_name": "Flood Hosting",
        "country": "CH",
        "network_class": "hosting",
        "method": "GET",
        "host": "www.example.org",
        "path": "/search",
        "query": "q=a",
        "http": "1.1",
        "user_agent": "curl/8",
        "action": "throttle",
        "stage": "over_own_limit",
        "rule": "client",
        "reasons": ("more than 10 requests a second",),
        "status": 429,
        "retry_after": 0.1,
        "policy": "abcdef",
        "buckets": (("client", -0.1),),
    }
    return Record(**(common | fields))


def segment_writer(
    directory: Path, name: str = "edge1.0", *, clock: HandClock | None = None, rotation: Rotation = EVERY_MINUTE
) -> SegmentWriter:
    """Return a segment writer on a clock moved by hand (both its clocks), already open."""
    hand = clock or HandClock(TEN_FIFTEEN)
    writer = SegmentWriter(directory, name, wall=hand, monotonic=hand, rotation=rotation)
    writer.open()
    return writer


def write_journal(directory: Path, records: Iterable[Record], name: str = "edge1.0") -> None:
    """Write ``records`` to one sealed segment, as of the time of the first."""
    found = list(records)
    writer = segment_writer(directory, name, clock=HandClock(datetime.fromisoformat(found[0].ts).timestamp()))
    writer.write(found)
    writer.close()
