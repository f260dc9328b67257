"""Sealing: closed segments are measured, entered in the log of their node, and the log is signed.

Beside the workers, which never wait for it. What a crash leaves unsealed is sealed by the next start.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

from shieldproxy.core.merkle import Frontier, leaf_hash
from shieldproxy.core.record import rfc3339
from shieldproxy.journal import manifest_log
from shieldproxy.journal.holds import read_holds, read_orders
from shieldproxy.journal.manifest_log import LOGS, Line, canonical
from shieldproxy.journal.manifests import VERSION, manifest_of, segment_name
from shieldproxy.journal.open_segment import DIRECTORY_MODE
from shieldproxy.journal.packing import Packed, pack_before
from shieldproxy.journal.pseudonymising import KIND, Orders, Pseudonymised, days_in, put_in_place, sweep, write_fresh
from shieldproxy.journal.pseudonyms import Key
from shieldproxy.journal.retention import Forgotten, forget_before
from shieldproxy.journal.rounds import BusyError, Circumstances, Sealed, SealError
from shieldproxy.journal.segments import IMPORTED, Segment, days, segments_of
from shieldproxy.journal.signing import Signer, checked_checkpoint, pem_of, public_of

# Days in which segments may still be closed; older left-overs are looked for at the start.
RECENT_DAYS = 3
# One round measures so much, about two seconds of one core: a stop need not wait longer.
MOST_SEGMENTS, MOST_BYTES = 1_000, 1 << 30


class Sealer:
    """Seals what the workers of ``node`` write in ``journal``; one at a time has the log, as a lock sees to.

    ``anchor`` is a file outside the journal that keeps the last checkpoint, so that a journal set back as a whole is
    noticed.
    """

    def __init__(
        self,
        journal: Path,
        node: str,
        signer: Signer,
        anchor: Path,
        circumstances: Circumstances,
    ) -> None:
        self.log = journal / LOGS / node
        self._journal = journal
        self._node = node
        self._signer = signer
        self._anchor = anchor
        self._wall, self._clock, self._about = circumstances
        self._mutex = threading.Lock()
        self._lock = -1
        self._tree = Frontier()
        self._known: set[str] = set()
        self._replaced: dict[str, int] = {}
        self._previous: dict[str, str] = {}
        self._orders = 0
        self._signed = -1  # an empty log is signed too: it says that nothing was before
        self._thorough = True

    def open(self) -> None:
        """Take the log and check that it goes on from what was signed.

        Raises SealError when it does not or another process has it, OSError when it cannot be read or made.
        """
        self.log.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        self._lock = os.open(self.log / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._check_key()
            self._read()
        except BlockingIOError:
            self.close()
            raise BusyError(f"{self.log}: a running node has this log") from None
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the log."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def round(self) -> Sealed:
        """Seal what was closed since the last round and sign; raises OSError, the next round then tries again."""
        with self._mutex:
            waiting = self._waiting()
            entries, found = self._measured(waiting)
            entries += self._new_orders()
            self._enter(entries)
            self._thorough = found.more > 0
            return found._replace(note=self._sign())

    def forget_before(self, ts: str) -> Forgotten:
        """Delete segments older than ``ts`` that no hold keeps; the log says so before they go. Raises OSError."""
        with self._mutex:
            try:
                holds = read_holds(self._journal).values()
            except ValueError as error:
                return Forgotten(problems=(str(error),))
            found = forget_before(
                self._journal, ts, holds=tuple(holds), before=lambda gone: self._enter_erased(gone, ts)
            )
            self._sign()
            return found

    def pseudonymise_before(self, ts: str, key_of: Callable[[str], Key]) -> Pseudonymised:
        """Replace addresses in admitted lines older than ``ts`` that no hold keeps; the log says so first.

        ``key_of`` returns the key of a month (``2026-11``). Raises OSError.
        """
        with self._mutex:
            sweep(self._journal)
            try:
                holds = tuple(read_holds(self._journal).values())
            except ValueError as error:
                return Pseudonymised(problems=(str(error),))
            fresh, more, problems = write_fresh(self._journal, Orders(ts, holds, self._keeps_addresses, key_of))
            if fresh:
                self._enter([{"kind": KIND, "v": VERSION, "before": ts, "segments": [one.entry for one in fresh]}])
                self._sign()
                put_in_place(fresh)
            changed = sum(one.entry["changed"] for one in fresh)
            days_of = {day for one in fresh if one.place is not None for day in days_in(one.name)}
            return Pseudonymised(len(fresh), changed, more, tuple(sorted(days_of)), problems)

    def _keeps_addresses(self, segment: Segment) -> bool:
        name = segment_name(segment)
        return name in self._known and self._replaced.get(name) != 0

    def pack_before(self, ts: str) -> Packed:
        """Compress sealed segments whose records are older than ``ts``; raises OSError."""
        with self._mutex:
            return pack_before(self._journal, ts, lambda segment: segment_name(segment) in self._known)

    # -- what was there ---------------------------------------------------------------------------------------------

    def _check_key(self) -> None:
        path = self.log / manifest_log.PUBLIC
        try:
            known = public_of(path.read_bytes())
        except FileNotFoundError:
            manifest_log.replace_file(path, pem_of(self._signer.public).encode())
            return
        except ValueError as error:
            raise SealError(f"{path}: {error}") from None
        if known != self._signer.public:
            raise SealError(
                f"{self.log}: was sealed with another key; bring that key back from a backup, or move this directory "
                f"to {self.log.name}-before-{rfc3339(self._wall())[:10]} to begin a new log"
            )

    def _read(self) -> None:
        files = manifest_log.day_files(self.log)
        for path in (*files[-1:], self.log / manifest_log.HISTORY):
            manifest_log.cut_unfinished(path)
        signed = self._signed_before()
        names = self._names_on_disk()
        for line in manifest_log.read_lines(self.log):
            self._take(line, names)
            for size, root, where in signed:
                if size == self._tree.size and root != self._tree.root:
                    raise self._contradiction(where)
        for size, _, where in signed:
            if size > self._tree.size:
                raise self._contradiction(where)
            self._signed = max(self._signed, size)

    def _take(self, line: Line, names: set[str]) -> None:
        self._tree.append(leaf_hash(line.data))
        try:
            entry = line.entry()
        except ValueError as error:
            raise SealError(f"{line.place}: {error}") from None
        if entry["kind"] == "segment":
            self._previous[str(entry["writer"])] = sha256(line.data).hexdigest()
            if entry["segment"] in names:
                self._known.add(entry["segment"])
        self._orders += entry["kind"] == "hold"
        if entry["kind"] == KIND:
            self._replaced |= {item["segment"]: item["changed"] for item in entry["segments"]}

    def _signed_before(self) -> list[tuple[int, bytes, Path]]:
        found = []
        for path in (self.log / manifest_log.CHECKPOINT, self._anchor):
            with contextlib.suppress(FileNotFoundError):
                try:
                    checkpoint = checked_checkpoint(path.read_bytes(), self._signer.public)
                except ValueError as error:
                    raise SealError(f"{path}: {error}") from None
                if checkpoint.origin == self._signer.origin:
                    found.append((checkpoint.size, checkpoint.root, path))
        return found

    def _contradiction(self, where: Path) -> SealError:
        return SealError(
            f"{self.log}: is not what {where} signed: entries were changed or taken away. Look into it with "
            f"shieldproxy evidence verify {self._journal}; to go on, move {self.log} and {self._anchor} away"
        )

    # -- what is new ------------------------------------------------------------------------------------------------

    def _names_on_disk(self) -> set[str]:
        return {segment_name(found) for day in days(self._journal) for found in segments_of(self._journal, day)}

    def _waiting(self) -> list[Segment]:
        every = days(self._journal)
        wanted = every if self._thorough else every[-RECENT_DAYS:]
        found = [
            segment
            for day in wanted
            for segment in segments_of(self._journal, day)
            if segment.sealed and self._is_ours(segment) and segment_name(segment) not in self._known
        ]
        return sorted(found, key=lambda segment: (segment.writer, segment.seq, segment.first))

    def _is_ours(self, segment: Segment) -> bool:
        return segment.writer.rpartition(".")[0] == self._node or segment.writer.startswith(IMPORTED)

    def _measured(self, waiting: list[Segment]) -> tuple[list[dict[str, Any]], Sealed]:
        about, kept = self._about(), self._clock()
        clock = None if kept is None else {"synchronised": kept.synchronised, "max_error_us": round(kept.error * 1e6)}
        entries: list[dict[str, Any]] = []
        problems: list[str] = []
        records = size = 0
        for segment in waiting:
            if len(entries) == MOST_SEGMENTS or size > MOST_BYTES:
                break
            try:
                entry = manifest_of(segment)
            except FileNotFoundError:
                continue
            except OSError as error:
                problems.append(f"{segment.path}: cannot be sealed: {error.strerror or error}")
                continue
            entries.append({**about, **entry, "clock": clock})
            records += entry["records"]
            size += entry["size"]
        more = max(0, len(waiting) - len(entries) - len(problems))
        return entries, Sealed(len(entries), records, "", more, tuple(problems))

    def _new_orders(self) -> list[dict[str, Any]]:
        try:
            orders = read_orders(self._journal)[self._orders :]
        except ValueError:
            return []  # whoever deletes says so
        return [{"kind": "hold", "v": VERSION, "hold": order} for order in orders]

    def _enter_erased(self, gone: Iterable[Segment], before: str) -> None:
        names = sorted(segment_name(segment) for segment in gone)
        if names:
            self._enter([{"kind": "erased", "v": VERSION, "before": before, "why": "retention", "segments": names}])
            self._known.difference_update(names)

    def _enter(self, entries: list[dict[str, Any]]) -> None:
        """Number, chain and write ``entries``; all of them, or raises OSError and none."""
        ts = rfc3339(self._wall())
        lines: list[bytes] = []
        previous: dict[str, str] = {}
        for entry in entries:
            numbered = {**entry, "index": self._tree.size + len(lines), "key": self._signer.key_id, "at": ts}
            writer = entry.get("writer")
            if writer is not None:
                numbered["prev"] = previous.get(writer, self._previous.get(writer, ""))
            line = canonical(numbered)
            if writer is not None:
                previous[writer] = sha256(line).hexdigest()
            lines.append(line)
        if not lines:
            return
        manifest_log.append(self.log, ts[:10], b"".join(lines))
        for line, entry in zip(lines, entries, strict=True):
            self._tree.append(leaf_hash(line))
            if entry["kind"] == "segment":
                self._known.add(entry["segment"])
            elif entry["kind"] == KIND:
                self._replaced |= {item["segment"]: item["changed"] for item in entry["segments"]}
        self._previous |= previous
        self._orders += sum(entry["kind"] == "hold" for entry in entries)

    def _sign(self) -> str:
        if self._tree.size == self._signed:
            return ""
        note = self._signer.note(self._tree.size, self._tree.root)
        manifest_log.keep_checkpoint(self.log, note, rfc3339(self._wall()))
        manifest_log.replace_file(self._anchor, note.encode())
        self._signed = self._tree.size
        return note
