"""Checkpoints: the detector's memory at the end of the last day in the index, so that a month need not be read again.

It is worth nothing, and made anew, when the parameters, or anything in the index before it, have changed.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

from shieldproxy.attribution.archive import Archive
from shieldproxy.attribution.catalogue import catalogued_days, read_day
from shieldproxy.attribution.columns import milliseconds
from shieldproxy.attribution.courses import ALWAYS
from shieldproxy.attribution.detection import tallies
from shieldproxy.attribution.index import Index
from shieldproxy.attribution.visits import Period
from shieldproxy.core.episodes import Detection, EpisodePolicy, Span, detection_of, finish, observe
from shieldproxy.journal.segments import shifted

FILE = "detection.json"


class Mark(NamedTuple):
    """The end of a day, unix seconds, and a digest of everything the index holds up to it."""

    end: float
    digest: str


def marks(folder: Path, policy: EpisodePolicy) -> list[Mark]:
    """Return the ends of the days that are whole in the index, oldest first."""
    found, digest = [], repr(policy)
    for day in catalogued_days(folder):
        entries = read_day(folder, day)
        if set(entries) != {day}:
            break
        digest = hashlib.sha256(f"{digest} {entries[day].file}".encode()).hexdigest()
        found.append(Mark(milliseconds(shifted(f"{day}T00:00:00.000000Z", 86_400)) / 1000, digest))
    return found


def detect_on(index: Index, archive: Archive, policy: EpisodePolicy, now: float) -> tuple[Span, ...]:
    """Return the episodes in the whole journal; ``archive`` must have been opened on all of it."""
    known = marks(index.folder, policy)
    loose = [segment.first for segment in index.content().segments if segment.sealed]
    if loose:
        known = [mark for mark in known if mark.end <= milliseconds(min(loose)) / 1000]
    begin, detection = restore(index.folder / FILE, known)
    if known and known[-1].end > begin:
        detection = _fed(archive, policy, detection, (begin, known[-1].end))
        begin = known[-1].end
        keep(index.folder / FILE, known[-1], detection)
    detection = _fed(archive, policy, detection, (begin, ALWAYS.until / 1000))
    return finish(policy, detection, now)


def _fed(archive: Archive, policy: EpisodePolicy, detection: Detection, span: tuple[float, float]) -> Detection:
    period = Period(int(span[0] * 1000), int(span[1] * 1000))
    for tally in tallies(archive, policy.bucket, period):
        detection = observe(policy, detection, tally)
    return detection


def keep(place: Path, mark: Mark, detection: Detection) -> None:
    """Write the memory at ``mark``; a disk that does not take it costs time only."""
    fresh = place.with_suffix(".new")
    try:
        fresh.write_text(json.dumps({"digest": mark.digest, "detection": detection}), "utf-8")
        fresh.replace(place)
    except OSError:
        fresh.unlink(missing_ok=True)


def restore(place: Path, known: list[Mark]) -> tuple[float, Detection]:
    """Return where the memory in ``place`` stands and the memory; the beginning when it fits none of the marks."""
    try:
        document = json.loads(place.read_text("utf-8"))
        mark = next(mark for mark in known if mark.digest == document["digest"])
        return mark.end, detection_of(document["detection"])
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return 0.0, Detection()
