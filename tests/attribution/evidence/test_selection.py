from __future__ import annotations

from pathlib import Path

import pytest

from shieldproxy.attribution.evidence.selection import SealedLog, Selection, UnfitError
from shieldproxy.core.merkle import leaf_hash, root_by_path
from shieldproxy.core.record import rfc3339
from shieldproxy.journal.filters import NOT_ADMITTED, Filter
from shieldproxy.journal.packing import pack_before
from tests.fakes.evidence import attacker, sealed_journal
from tests.fakes.records import TEN_FIFTEEN, write_journal


def test_every_record_comes_with_its_proof(tmp_path: Path) -> None:
    """From the record to its manifest, from the manifest to the checkpoint."""
    selection = Selection(sealed_journal(tmp_path / "journal"), Filter(actions=NOT_ADMITTED))
    (log,) = selection.logs
    picked = list(selection.records(log))
    assert len(picked) == 11
    for record in picked:
        manifest = log.segments[record.manifest]
        path = [bytes.fromhex(node) for node in record.proof.path]
        root = root_by_path(leaf_hash(record.data), record.proof.leaf, manifest["records"], path)
        assert root.hex() == manifest["merkle_root"]
        data, proof = log.manifest(record.manifest)
        path = [bytes.fromhex(node) for node in proof.path]
        assert root_by_path(leaf_hash(data), proof.leaf, log.checkpoint.size, path) == log.checkpoint.root


def test_segments_outside_the_span_are_not_opened(tmp_path: Path) -> None:
    """Their manifests say when they began and ended."""
    journal = sealed_journal(tmp_path / "journal")
    selection = Selection(journal, Filter(since=rfc3339(TEN_FIFTEEN + 4.5)))
    assert [manifest["first_seq"] for manifest in selection.logs[0].segments.values()] == [5]


def test_what_no_log_has_sealed_is_counted(tmp_path: Path) -> None:
    """By weight, only what is wanted."""
    journal = sealed_journal(tmp_path / "journal")
    write_journal(journal, [attacker(8, 1, weight=3), attacker(9, 2, action="admit")], "edge9.0")
    selection = Selection(journal, Filter(actions=NOT_ADMITTED))
    selection.count_unsealed()
    assert selection.unsealed == 3


def test_a_log_that_does_not_fit_its_checkpoint_is_refused(tmp_path: Path) -> None:
    """Changed, cut short, or no log at all."""
    journal = sealed_journal(tmp_path / "journal")
    (day,) = (journal / "log/edge1").glob("2*.jsonl")
    whole = day.read_bytes()
    for data in (whole.replace(b'"weight":4', b'"weight":5'), whole[:100], b"", b"nothing\n"):
        day.write_bytes(data)
        with pytest.raises(UnfitError):
            Selection(journal, Filter())
    with pytest.raises(UnfitError, match=r"checkpoint|public"):
        SealedLog(tmp_path)


def test_records_of_packed_segments_have_the_same_proofs(tmp_path: Path) -> None:
    """A bundle holds plain records, however the journal keeps them."""
    journal = sealed_journal(tmp_path / "journal")
    plain = Selection(journal, Filter(actions=NOT_ADMITTED))
    before = list(plain.records(plain.logs[0]))
    for _ in range(2):
        pack_before(journal, rfc3339(TEN_FIFTEEN + 86_400), lambda _segment: True)
    packed = Selection(journal, Filter(actions=NOT_ADMITTED))
    assert list(packed.records(packed.logs[0])) == before
    assert packed.gone == []
