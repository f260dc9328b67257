"""Legal holds: spans of time whose records must stay, whatever their age, until somebody lifts the hold.

``<journal>/holds.jsonl`` has a line for each order, which is never changed: ``{"set": ...}`` or ``{"lifted": ...}``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from shieldproxy.journal.open_segment import FILE_MODE
from shieldproxy.journal.segments import Segment, well_formed

FILE = "holds.jsonl"


class Hold(NamedTuple):
    """A span that stays: ``since`` to ``until`` as records write times, and why; ``id`` is H1, H2 and so on."""

    id: str
    since: str
    until: str
    why: str
    set_at: str


def read_holds(directory: Path) -> dict[str, Hold]:
    """Return the holds in force in the journal ``directory``, by ID; raises ValueError when the file is damaged."""
    found: dict[str, Hold] = {}
    for number, order in enumerate(read_orders(directory), 1):
        try:
            if order["order"] == "lift":
                found.pop(order["id"], None)
                continue
            hold = Hold(*(str(order[name]) for name in Hold._fields))
        except (KeyError, TypeError):
            raise ValueError(f"{directory / FILE}:{number}: is no hold") from None
        if not (well_formed(hold.since) and well_formed(hold.until)):
            raise ValueError(f"{directory / FILE}:{number}: says no span of time")
        found[hold.id] = hold
    return found


def read_orders(directory: Path) -> list[dict[str, str]]:
    """Return all orders ever given, oldest first; raises ValueError when the file is damaged."""
    path = directory / FILE
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        return [dict(orjson.loads(line)) for line in lines]
    except (ValueError, TypeError):
        raise ValueError(f"{path}: is damaged; nothing is deleted until it is mended") from None


def set_hold(directory: Path, since: str, until: str, why: str, now: str) -> Hold:
    """Order that records from ``since`` to ``until`` stay; ``now`` is when. Raises ValueError or OSError."""
    if not (well_formed(since) and well_formed(until) and since <= until):
        raise ValueError("a hold is from an earlier to a later moment")
    count = sum(order.get("order") == "set" for order in read_orders(directory))
    hold = Hold(f"H{count + 1}", since, until, why, now)
    append_line(directory / FILE, {"order": "set", **hold._asdict()})
    return hold


def lift_hold(directory: Path, hold_id: str, why: str, now: str) -> Hold:
    """End the hold ``hold_id``; raises KeyError when there is none in force, ValueError or OSError."""
    hold = read_holds(directory)[hold_id]
    append_line(directory / FILE, {"order": "lift", "id": hold_id, "why": why, "set_at": now})
    return hold


def is_held(segment: Segment, holds: Iterable[Hold]) -> bool:
    """Tell whether ``segment`` may have records of a span that must stay."""
    return any(segment.first <= hold.until and segment.last >= hold.since for hold in holds)


def append_line(path: Path, entry: Mapping[str, Any]) -> None:
    """Add one line of JSON to ``path`` and bring it to the disk; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    try:
        os.write(file, orjson.dumps(dict(entry)) + b"\n")
        os.fsync(file)
    finally:
        os.close(file)
