"""The export log: who got which records, when and what for. One line of JSON an export, never changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from shieldproxy.journal.holds import append_line

FILE = "exports.jsonl"


def note_export(state: Path, entry: dict[str, Any]) -> None:
    """Write ``entry`` down in the state directory; raises OSError, and then nothing may be handed over."""
    append_line(state / FILE, entry)


def exports(state: Path) -> list[dict[str, Any]]:
    """Return what was exported, oldest first; raises OSError or ValueError when the log cannot be read."""
    try:
        lines = (state / FILE).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    return [dict(orjson.loads(line)) for line in lines]
