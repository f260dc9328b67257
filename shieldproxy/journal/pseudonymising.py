"""Pseudonymising: sealed segments whose time is over are written anew with pseudonyms in their admitted lines.

The log says so, and what the new file is, before the old one goes; nothing on hold is touched, and neither is what an
operator brought in from other servers, whose logs know no verdicts.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from shieldproxy.core.merkle import leaf_hash, root_of
from shieldproxy.journal.holds import Hold, is_held
from shieldproxy.journal.manifests import segment_name
from shieldproxy.journal.measuring import lines_of
from shieldproxy.journal.open_segment import FILE_MODE, sync_directory
from shieldproxy.journal.packing import compressed, forms_of, open_plain
from shieldproxy.journal.pseudonyms import Key, Pseudonyms, Rewritten, rewrite
from shieldproxy.journal.segments import (
    IMPORTED,
    PACKED,
    PSEUDONYMISED,
    STAMP_LENGTH,
    Segment,
    days,
    expanded,
    segments_of,
    shifted,
)

# One round reads so much, about two seconds of one core: what a day leaves is done within the hour.
MOST_BYTES = 64 << 20
KIND = "pseudonymised"


class Pseudonymised(NamedTuple):
    """What a round did: segments that were looked at, lines that were replaced; ``more`` wait for the next round."""

    segments: int = 0
    records: int = 0
    more: bool = False
    days: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


class Fresh(NamedTuple):
    """A segment that waits to take its name: where it lies, what it will be called, and what the log says of it."""

    place: Path | None
    name: Path
    entry: dict[str, Any]


class Orders(NamedTuple):
    """What a round goes by: whose last record is older than ``before``, no hold keeps, and ``is_due`` says so.

    ``key_of`` returns the key of a month, and may raise OSError.
    """

    before: str
    holds: Sequence[Hold]
    is_due: Callable[[Segment], bool]
    key_of: Callable[[str], Key]


def write_fresh(journal: Path, orders: Orders) -> tuple[list[Fresh], bool, tuple[str, ...]]:
    """Write what is due under names that nobody reads yet; return that, whether there is more, and what went wrong."""
    found: list[Fresh] = []
    problems: list[str] = []
    read, known = 0, dict[str, Pseudonyms]()
    for segment in _due(journal, orders):
        if read > MOST_BYTES:
            return found, True, tuple(problems)
        month = segment.first[:7]
        try:
            pseudonyms = known.get(month) or known.setdefault(month, Pseudonyms(orders.key_of(month)))
            fresh, size = _fresh(segment, pseudonyms)
        except FileNotFoundError:
            continue
        except OSError as error:
            problems.append(f"{segment.path}: keeps its addresses: {error.strerror or error}")
            continue
        found.append(fresh)
        read += size
    return found, False, tuple(problems)


def put_in_place(found: Sequence[Fresh]) -> None:
    """Give what the log now speaks of its names. The files of before go one round later. Raises OSError."""
    for place, name, _ in found:
        if place is not None:
            place.replace(name)
            sync_directory(name.parent)


def days_in(name: Path) -> tuple[str, str]:
    """Return the days under which the sealed segment ``name`` may be copied: of its opening, and of its first record.

    They differ where one was opened just after midnight; the index goes by the record.
    """
    return name.parent.name, expanded(name.name[:STAMP_LENGTH])[:10]


def sweep(journal: Path) -> None:
    """Delete the files of segments that have their new form, and what an interrupted round left. Raises OSError."""
    for day in days(journal):
        for left in (journal / day).glob(".pseudonymising-*"):
            left.unlink(missing_ok=True)
        for segment in segments_of(journal, day):
            if segment.pseudonymised:
                for form in forms_of(segment.path.with_name(f"{segment.base}.jsonl")):
                    if PSEUDONYMISED not in form.name:
                        form.unlink(missing_ok=True)


def _due(journal: Path, orders: Orders) -> list[Segment]:
    found = []
    for day in days(journal):
        if day > shifted(orders.before, 86_400)[:10]:
            break
        found += [
            segment
            for segment in sorted(segments_of(journal, day))
            if segment.sealed
            and not segment.pseudonymised
            and segment.last < orders.before
            and not segment.writer.startswith(IMPORTED)
            and not is_held(segment, orders.holds)
            and orders.is_due(segment)
        ]
    return found


def _fresh(segment: Segment, pseudonyms: Pseudonyms) -> tuple[Fresh, int]:
    file = open_plain(segment.path)
    try:
        size = os.fstat(file).st_size
        rewritten = rewrite(file, pseudonyms)
    finally:
        os.close(file)
    name = segment.path.with_name(f"{segment.base}{PSEUDONYMISED}.jsonl{PACKED if segment.packed else ''}")
    entry = {"segment": segment_name(segment), "changed": rewritten.changed}
    if not rewritten.changed:
        return Fresh(None, name, entry), size
    return Fresh(_write(name, rewritten), name, entry | _measures(rewritten) | {"key": pseudonyms.key.name}), size


def _measures(rewritten: Rewritten) -> dict[str, Any]:
    lines = lines_of(rewritten.data)
    return {
        "size": len(rewritten.data),
        "sha256": sha256(rewritten.data).hexdigest(),
        "merkle_root": root_of([leaf_hash(line) for line in lines]).hex(),
        "records": len(lines),
        "linked": rewritten.linked,
    }


def _write(name: Path, rewritten: Rewritten) -> Path:
    handle, place = tempfile.mkstemp(prefix=".pseudonymising-", dir=name.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(compressed(rewritten.data) if name.suffix == PACKED else rewritten.data)
            file.flush()
            os.fchmod(file.fileno(), FILE_MODE)
            os.fsync(file.fileno())
    except BaseException:
        Path(place).unlink(missing_ok=True)
        raise
    return Path(place)
