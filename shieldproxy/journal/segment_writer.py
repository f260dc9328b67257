"""The segment writer: numbers records, writes them to segments and seals those in time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from shieldproxy.core.ports import Draft
from shieldproxy.core.record import Record
from shieldproxy.journal.encoding import Encoder
from shieldproxy.journal.mending import Mended, mend
from shieldproxy.journal.open_segment import OpenSegment
from shieldproxy.journal.pseudonyms import salt

# A segment whose name is taken (a clock that stood still) is opened some microseconds later.
_NAME_TRIES = 3


class Rotation(NamedTuple):
    """When a segment is sealed: after ``age`` seconds or ``size`` bytes.

    A minute is what a crash of the machine may cost at most, and a file that is still handy under a flood.
    """

    age: float = 60.0
    size: int = 64 << 20


EVERY_MINUTE = Rotation()


class SegmentWriter:
    """Writes records at once, in the caller's thread.

    ``name`` is what segments.writer_name makes of node and worker; one living writer has it in ``directory``.
    ``wall`` is unix seconds and names segments, ``monotonic`` is seconds and ages them. ``chance`` gives bytes nobody
    can guess: with it admitted lines have a salt, so that their addresses can be replaced later (journal.pseudonyms).
    """

    def __init__(  # noqa: PLR0913 - collaborators
        self,
        directory: Path,
        name: str,
        *,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
        rotation: Rotation = EVERY_MINUTE,
        chance: Callable[[int], bytes] | None = None,
    ) -> None:
        self.directory = directory
        self.name = name
        self.next_seq = 1
        self.refused = 0
        self._wall = wall
        self._monotonic = monotonic
        self._rotation = rotation
        self._chance = chance
        self._encoder = Encoder()
        self._segment: OpenSegment | None = None
        self._opened_at = 0.0

    def open(self) -> Mended:
        """Mend what an earlier run left and go on with its numbers; raises OSError when the directory is unreadable."""
        mended = mend(self.directory, self.name)
        self.next_seq = mended.next_seq
        return mended

    def write(self, drafts: Sequence[Draft], lost_before: int = 0) -> int:
        """Write ``drafts`` in order and return how many lines that made; the first carries ``lost_before``.

        A record that JSON cannot say is left out, its weight added to ``refused``. Otherwise all or nothing:
        raises OSError and has then written none and used no number.
        """
        lines: list[bytes] = []
        stamps: list[str] = []
        admitted: list[int] = []
        refused = 0
        seq = self.next_seq
        for draft in drafts:
            try:
                ts, line = draft.line(seq, lost_before) or self._encode(draft.record(), seq, lost_before)
            except ValueError:
                refused += draft.weight
                continue
            if self._chance is not None and draft.alike() is None:
                admitted.append(len(lines))
            lines.append(line)
            stamps.append(ts)
            seq += 1
            lost_before = 0
        if lines:
            if self._chance is not None:
                salt(lines, admitted, self._chance)
            self._append(b"\n".join(lines) + b"\n", min(stamps), max(stamps))
        self.next_seq += len(lines)
        self.refused += refused
        return len(lines)

    def _encode(self, record: Record, seq: int, lost_before: int) -> tuple[str, bytes]:
        return record.ts, self._encoder.line(record, seq, lost_before)

    def write_lines(self, lines: bytes, count: int, first: str, last: str) -> None:
        """Write ``count`` whole ``lines``, encoded, numbered from ``next_seq`` on, their ts from ``first`` to ``last``.

        All or nothing: raises OSError and has then written none.
        """
        self._append(lines, first, last)
        self.next_seq += count

    def seal_when_due(self) -> None:
        """Seal the open segment when it is old or large enough; raises OSError when that fails."""
        segment = self._segment
        if segment is None:
            return
        age, size = self._rotation
        if self._monotonic() - self._opened_at >= age or segment.size >= size:
            self.close()

    def close(self) -> None:
        """Seal the open segment; raises OSError when that fails, the file then waits for the next start."""
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.seal()

    def _append(self, lines: bytes, first: str, last: str) -> None:
        segment = self._segment
        if segment is not None and segment.usable:
            segment.append(lines, first, last)
            return
        if segment is not None:
            self._segment = None
            segment.abandon()
        fresh = self._new_segment()
        self._opened_at = self._monotonic()
        self._segment = fresh
        fresh.append(lines, first, last)

    def _new_segment(self) -> OpenSegment:
        now = self._wall()
        for late in range(_NAME_TRIES):
            with contextlib.suppress(FileExistsError):
                return OpenSegment(self.directory, self.name, self.next_seq, now + late * 1e-6)
        return OpenSegment(self.directory, self.name, self.next_seq, now + _NAME_TRIES * 1e-6)
