"""The check of a whole journal: every log against its checkpoints, every sealed segment against its manifest."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from shieldproxy.attribution.evidence.segment_check import Entry, link_problem, problem_of
from shieldproxy.attribution.evidence.verify import Findings
from shieldproxy.core.merkle import Frontier, leaf_hash
from shieldproxy.core.notes import Checkpoint, parse_checkpoint, parse_note
from shieldproxy.journal import manifest_log
from shieldproxy.journal.manifest_log import Line, logs_in, read_lines
from shieldproxy.journal.manifests import segment_name
from shieldproxy.journal.packing import forms_of
from shieldproxy.journal.pseudonymising import KIND
from shieldproxy.journal.segments import PSEUDONYMISED, Segment, days, segments_of, shifted
from shieldproxy.journal.signing import checked_checkpoint, public_of

# A segment that was closed so long (seconds) before the last seal should have been in it.
SEALED_BY_THEN = 300.0


# What a manifest must say to be held against its segment.
MANIFEST = {
    "segment": str,
    "writer": str,
    "sha256": str,
    "merkle_root": str,
    "prev": str,
    "records": int,
    "first_seq": int,
    "last_seq": int,
}

# What the log must say of a segment that was written anew with pseudonyms.
REPLACED = ("sha256", "merkle_root", "records", "linked")

Believed = Callable[[str, str], bool]


def anybody(_log: str, _fingerprint: str) -> bool:
    """Believe every key: the check then says that all fits together, not who made it."""
    return True


class Claim(NamedTuple):
    """What a log says of one segment, and where it says so."""

    entry: Entry
    place: str


class JournalCheck:
    """Checks the journal in ``directory``. ``believed`` is asked about the key of each log (name, fingerprint).

    ``anchors`` are checkpoints that were kept elsewhere: the log must still contain each of them.
    """

    def __init__(self, directory: Path, believed: Believed = anybody, anchors: Sequence[Checkpoint] = ()) -> None:
        self.found = Findings()
        self._journal = directory
        self._believed = believed
        self._anchors = anchors
        self._claims: dict[str, Claim] = {}
        self._erased: set[str] = set()
        self._replaced: dict[str, Entry] = {}
        self._last_seal = ""
        self._last_seq: dict[str, int] = {}

    def run(self) -> Findings:
        """Return what was found; raises OSError when the journal cannot be read."""
        logs = logs_in(self._journal)
        if not logs:
            self.found.missing.append(f"{self._journal / manifest_log.LOGS}: no log is there: nothing was ever sealed")
        for log in logs:
            self._check_log(log)
        self._check_segments()
        self._check_files()
        return self.found

    # -- logs -------------------------------------------------------------------------------------------------------

    def _check_log(self, log: Path) -> None:
        try:
            public = public_of((log / manifest_log.PUBLIC).read_bytes())
            newest = checked_checkpoint((log / manifest_log.CHECKPOINT).read_bytes(), public)
        except FileNotFoundError as error:
            self.found.missing.append(f"{error.filename}: is missing")
            return
        except ValueError as error:
            self.found.tampered.append(f"{log / manifest_log.CHECKPOINT}: {error}")
            return
        digest = sha256(public).hexdigest()
        self.found.told.append(f"{log}: key {digest}, {newest.size} entries")
        if not self._believed(log.name, digest):
            self.found.tampered.append(f"{log / manifest_log.PUBLIC}: is another key than the one believed")
        signed = [(newest, str(log / manifest_log.CHECKPOINT)), *self._history(log, public)]
        if max(checkpoint.size for checkpoint, _ in signed) > newest.size:
            self.found.tampered.append(f"{log / manifest_log.CHECKPOINT}: was set back to an earlier one")
        signed += [(anchor, "an anchor") for anchor in self._anchors if anchor.origin == newest.origin]
        self._check_entries(log, signed, newest.size)

    def _history(self, log: Path, public: bytes) -> Iterator[tuple[Checkpoint, str]]:
        try:
            notes = manifest_log.history(log)
        except ValueError as error:
            self.found.tampered.append(str(error))
            return
        for number, note in enumerate(notes, 1):
            place = f"{log / manifest_log.HISTORY}:{number}"
            try:
                yield checked_checkpoint(note, public), place
            except ValueError as error:
                self.found.tampered.append(f"{place}: {error}")

    def _check_entries(self, log: Path, signed: list[tuple[Checkpoint, str]], size: int) -> None:
        roots: dict[int, list[tuple[bytes, str]]] = {}
        for checkpoint, where in signed:
            roots.setdefault(checkpoint.size, []).append((checkpoint.root, where))
        tree, good, broken = Frontier(), 0, False
        previous: dict[str, str] = {}
        for line in read_lines(log):
            broken = not self._take(line, previous) or broken
            tree.append(leaf_hash(line.data))
            for root, where in roots.pop(tree.size, ()):
                if root == tree.root:
                    good = tree.size
                elif not broken:
                    broken = True
                    self.found.tampered.append(
                        f"{line.place}: entries {good + 1} to {tree.size} are not what {where} signed"
                    )
        for missing, places in sorted(roots.items()):
            if missing > tree.size:
                where = places[0][1]
                self.found.tampered.append(
                    f"{log}: entries {tree.size + 1} to {missing}, signed in {where}, were taken away"
                )
        if tree.size > size:
            self.found.told.append(f"{log}: {tree.size - size} entries are not signed yet")

    def _take(self, line: Line, previous: dict[str, str]) -> bool:
        """Take one entry; False, and it is named, when it does not fit those before."""
        try:
            entry = line.entry()
            if entry["index"] != line.number:
                raise ValueError(f"has number {entry['index']}, number {line.number} is expected")
            if entry["kind"] == "segment":
                self._take_segment(entry, line, previous)
            elif entry["kind"] == "erased":
                self._erased.update(entry["segments"])
            elif entry["kind"] == KIND:
                self._take_replaced(entry["segments"])
        except (ValueError, KeyError, TypeError) as error:
            self.found.tampered.append(f"{line.place}: {error if isinstance(error, ValueError) else 'is no entry'}")
            return False
        self._last_seal = max(self._last_seal, str(entry.get("at", "")))
        return True

    def _take_segment(self, entry: Entry, line: Line, previous: dict[str, str]) -> None:
        if any(type(entry[name]) is not kind for name, kind in MANIFEST.items()):
            raise TypeError("no manifest")
        writer, first, last = entry["writer"], entry["first_seq"], entry["last_seq"]
        self._claims.setdefault(entry["segment"], Claim(entry, line.place))
        if entry["prev"] != previous.get(writer, ""):
            raise ValueError(f"does not follow the manifest of {writer} before it")
        gap = first - self._last_seq.get(writer, 0) - 1
        # Number 1 is a new start: of a writer that was away for long, or whose directory was emptied.
        if previous.get(writer) and first != 1 and gap > 0:
            self.found.missing.append(
                f"{line.place}: {gap} records of {writer} before it were gone before they were sealed"
            )
        previous[writer] = sha256(line.data).hexdigest()
        self._last_seq[writer] = last

    def _take_replaced(self, items: list[Entry]) -> None:
        for item in items:
            if type(item["segment"]) is not str or type(item["changed"]) is not int:
                raise TypeError("no list of segments")
            if item["changed"]:
                self._replaced[item["segment"]] = {name: item[name] for name in REPLACED}

    # -- segments ---------------------------------------------------------------------------------------------------

    def _check_segments(self) -> None:
        erased = records = whole = replaced = unlinked = 0
        for name, (entry, place) in self._claims.items():
            forms = forms_of(self._journal / name)
            if not forms:
                if name in self._erased:
                    erased, records = erased + 1, records + entry["records"]
                else:
                    text = f"is missing with {entry['records']} records, and no deletion is in the log ({place})"
                    self.found.missing.append(f"{self._journal / name}: {text}")
                continue
            for form in forms:
                with contextlib.suppress(FileNotFoundError):  # packed since, the other form is read
                    self.found.tampered += filter(None, [self._problem_of(form, name, entry)])
            if PSEUDONYMISED in forms[0].name and name in self._replaced:
                replaced, unlinked = replaced + 1, unlinked + (not self._replaced[name]["linked"])
            whole += 1
        self.found.told.append(f"{self._journal}: {whole} sealed segments read")
        if replaced:
            loose = f", {unlinked} of them without a link to what was sealed first" if unlinked else ""
            self.found.told.append(f"{self._journal}: {replaced} segments with pseudonyms for who was admitted{loose}")
        if erased:
            self.found.told.append(f"{self._journal}: {erased} segments erased by retention, {records} records")

    def _problem_of(self, form: Path, name: str, entry: Entry) -> str:
        if PSEUDONYMISED not in form.name:
            return problem_of(form, entry)
        replaced = self._replaced.get(name)
        if replaced is None:
            return f"{form}: has pseudonyms, but the log does not say that it was written anew"
        return problem_of(form, {**entry, **replaced, "first_seq": entry["first_seq"]}) or link_problem(
            form, entry, linked=replaced["linked"]
        )

    def _check_files(self) -> None:
        waiting = 0
        limit = shifted(self._last_seal, -SEALED_BY_THEN) if self._last_seal else ""
        for day in days(self._journal):
            for segment in sorted(segments_of(self._journal, day)):
                if segment_name(segment) not in self._claims:
                    waiting += 1
                    self._check_stranger(segment, limit)
        if waiting:
            self.found.told.append(
                f"{self._journal}: {waiting} segments are not sealed yet and not covered by this check"
            )

    def _check_stranger(self, segment: Segment, limit: str) -> None:
        if segment.sealed and segment.seq <= self._last_seq.get(segment.writer, 0) and segment.seq != 1:
            self.found.tampered.append(f"{segment.path}: was never sealed, but has numbers that were sealed elsewhere")
        elif segment.sealed and segment.last < limit:
            self.found.missing.append(
                f"{segment.path}: is older than the last seal and not in it: put there later, or left over"
            )


def anchor_of(data: bytes) -> Checkpoint:
    """Return the checkpoint that somebody kept: the signed note, or its three lines. Raises ValueError."""
    try:
        return parse_checkpoint(parse_note(data).text)
    except ValueError:
        return parse_checkpoint(data.decode("utf-8", "replace").strip() + "\n")
