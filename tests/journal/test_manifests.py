from __future__ import annotations

from pathlib import Path

from shieldproxy.journal.manifests import manifest_of, segment_name
from shieldproxy.journal.segments import segments_of
from tests.fakes.records import record_at, write_journal


def test_a_manifest_says_which_file_it_is_about(tmp_path: Path) -> None:
    """By day and name, so that a journal may be moved as a whole."""
    write_journal(tmp_path, [record_at(0), record_at(1)])
    (segment,) = segments_of(tmp_path, "2026-11-24")
    manifest = manifest_of(segment)
    assert manifest["segment"] == segment_name(segment)
    assert (tmp_path / manifest["segment"]).stat().st_size == manifest["size"]
    assert (manifest["kind"], manifest["records"], manifest["writer"]) == ("segment", 2, "edge1.0")
