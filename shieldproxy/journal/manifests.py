"""Manifests: what the log says of one closed segment."""

from __future__ import annotations

import os
from typing import Any

from shieldproxy.journal.measuring import measure
from shieldproxy.journal.packing import open_plain
from shieldproxy.journal.segments import Segment

VERSION = 1


def manifest_of(segment: Segment) -> dict[str, Any]:
    """Return what a manifest says of the closed ``segment`` itself; raises OSError."""
    file = open_plain(segment.path)
    try:
        found = measure(file)
    finally:
        os.close(file)
    return {
        "kind": "segment",
        "v": VERSION,
        "segment": segment_name(segment),
        "writer": segment.writer,
        "size": found.size,
        "sha256": found.sha256,
        "merkle_root": found.root.hex(),
        "records": found.records,
        "weight": found.weight,
        "broken": found.broken,
        "first_ts": segment.first,
        "last_ts": segment.last,
        "first_seq": found.first_seq,
        "last_seq": found.last_seq,
        "policies": list(found.policies),
        "geo": list(found.geo),
    }


def segment_name(segment: Segment) -> str:
    """Return what a sealed segment is called within its journal, day and file, however it is kept."""
    return f"{segment.directory.name}/{segment.base}.jsonl"
