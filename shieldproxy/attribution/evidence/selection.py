"""Selection: the records somebody asks for, each with the proof that it stands in a sealed segment of a signed log."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from shieldproxy.core.merkle import Tree, leaf_hash
from shieldproxy.core.notes import Checkpoint
from shieldproxy.journal import manifest_log
from shieldproxy.journal.filters import Filter
from shieldproxy.journal.manifest_log import Line, logs_in, read_lines
from shieldproxy.journal.manifests import segment_name
from shieldproxy.journal.measuring import leaf_hashes, lines_of, raw_blocks
from shieldproxy.journal.packing import forms_of, open_plain
from shieldproxy.journal.pseudonyms import original_leaves
from shieldproxy.journal.reader import Reader
from shieldproxy.journal.segments import PSEUDONYMISED, oldest_first
from shieldproxy.journal.signing import checked_checkpoint, public_of

Fields = dict[str, Any]


class UnfitError(Exception):
    """The journal contradicts its own seals, so nothing is exported from it; the sentence says where."""


class Proof(NamedTuple):
    """Where a line stands in a tree and the path from it to the root, hexadecimal, from below."""

    leaf: int
    path: list[str]


class Picked(NamedTuple):
    """One record that is wanted: its bytes with the newline, what it says, its proof within its manifest."""

    data: bytes
    fields: Fields
    manifest: int
    proof: Proof


class SealedLog:
    """The log of one node as its checkpoint states it. Raises UnfitError when the two do not agree."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.name = log.name
        try:
            self.public_pem = (log / manifest_log.PUBLIC).read_bytes()
            self.note = (log / manifest_log.CHECKPOINT).read_bytes()
            self.checkpoint: Checkpoint = checked_checkpoint(self.note, public_of(self.public_pem))
        except (OSError, ValueError) as error:
            raise UnfitError(f"{log}: {error}") from error
        self._lines: dict[int, Line] = {}
        self.segments: dict[int, Fields] = {}
        self._leaves: list[bytes] = []

    def read(self, since: str, until: str) -> None:
        """Read the log and keep the manifests of segments that may hold records from ``since`` to ``until``."""
        for line in read_lines(self.log):
            if line.number == self.checkpoint.size:
                break
            self._leaves.append(leaf_hash(line.data))
            entry = self._entry(line)
            if entry["kind"] == "segment" and entry["last_ts"] >= since and (not until or entry["first_ts"] <= until):
                self._lines[line.number] = line
                self.segments[line.number] = entry
        self._tree = Tree(self._leaves)
        if (self._tree.size, self._tree.root) != (self.checkpoint.size, self.checkpoint.root):
            raise UnfitError(f"{self.log}: is not what its checkpoint signed")

    def manifest(self, number: int) -> tuple[bytes, Proof]:
        """Return manifest ``number`` as it stands in the log, and its proof within the checkpoint."""
        path = [node.hex() for node in self._tree.path(number)]
        return self._lines[number].data, Proof(number, path)

    def _entry(self, line: Line) -> Fields:
        try:
            return line.entry()
        except ValueError as error:
            raise UnfitError(f"{line.place}: {error}") from error


class Selection:
    """What ``wanted`` picks from the journal; the counters are right when all was read.

    ``gone`` names sealed segments whose file is not there any more, ``unsealed`` is how many wanted records (by
    weight) stand in segments that are not sealed yet and are therefore left out, ``replaced`` how many have pseudonyms
    by now, or stand beside such that lost their link to the seal, and can therefore not be proven.
    """

    def __init__(self, journal: Path, wanted: Filter) -> None:
        self._journal = journal
        self._wanted = wanted
        self.gone: list[str] = []
        self.unsealed = self.replaced = 0
        self._taken: set[str] = set()
        self.logs = [SealedLog(path) for path in logs_in(journal) if (path / manifest_log.CHECKPOINT).exists()]
        for log in self.logs:
            log.read(wanted.since, wanted.until)

    def records(self, log: SealedLog) -> Iterator[Picked]:
        """Yield the wanted records that ``log`` sealed; raises UnfitError when a segment is not what was sealed."""
        for number, manifest in log.segments.items():
            if manifest["segment"] in self._taken:  # two nodes sealed what was brought in from elsewhere
                continue
            self._taken.add(str(manifest["segment"]))
            path = next(iter(forms_of(self._journal / str(manifest["segment"]))), None)
            if path is None:
                self.gone.append(str(manifest["segment"]))
                continue
            file = open_plain(path)
            try:
                yield from self._picked(file, number, manifest, path)
            finally:
                os.close(file)

    def count_unsealed(self) -> None:
        """Look for wanted records in segments that no log has sealed."""
        sealed = {str(entry["segment"]) for log in self.logs for entry in log.segments.values()}
        reader = Reader(self._journal)
        for segment in oldest_first(self._journal, self._wanted.since, self._wanted.until):
            if segment_name(segment) not in sealed:
                found = reader.scan_segment(segment, self._wanted)
                self.unsealed += sum(int(fields.get("weight", 1)) for fields in found)

    def _picked(self, file: int, number: int, manifest: Fields, path: Path) -> Iterator[Picked]:
        hits, replaced = list(self._hits(file)), PSEUDONYMISED in path.name
        if replaced:
            hits = self._provable(hits)
        if not hits:
            return
        tree = Tree(original_leaves(file) if replaced else leaf_hashes(file))
        if replaced and tree.root.hex() != manifest["merkle_root"]:
            self.replaced += sum(int(fields.get("weight", 1)) for _, _, fields in hits)
            return
        if (tree.root.hex(), tree.size) != (manifest["merkle_root"], manifest["records"]):
            raise UnfitError(f"{path}: is not what was sealed; see shieldproxy evidence verify {self._journal}")
        for index, data, fields in hits:
            yield Picked(data, fields, number, Proof(index, [node.hex() for node in tree.path(index)]))

    def _provable(self, hits: list[tuple[int, bytes, Fields]]) -> list[tuple[int, bytes, Fields]]:
        """Return those that are as they were sealed, and count the others."""
        self.replaced += sum(int(fields.get("weight", 1)) for _, _, fields in hits if "pseudonym" in fields)
        return [hit for hit in hits if "pseudonym" not in hit[2]]

    def _hits(self, file: int) -> Iterator[tuple[int, bytes, Fields]]:
        wanted, index = self._wanted, -1
        needles, unwanted = wanted.needles, wanted.unwanted
        for block in raw_blocks(file):
            for data in lines_of(block):
                index += 1
                if (unwanted and unwanted in data) or not all(needle in data for needle in needles):
                    continue
                try:
                    fields = orjson.loads(data)
                    if wanted.holds(fields):
                        yield index, data, fields
                except (ValueError, KeyError, TypeError):
                    continue  # no record: nothing that a recipient could use
