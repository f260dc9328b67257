from __future__ import annotations

from pathlib import Path

import pytest

from shieldproxy.attribution.archive import open_archive
from shieldproxy.attribution.index import Index
from shieldproxy.attribution.network_names import FILE, read_names

NAMES = {64500: "Flood Hosting 0", 64501: "Flood Hosting 1", 64510: "Home Carrier"}


def test_names_are_kept_once_beside_the_index(index: Index, flooded: Path) -> None:
    """Read from the segments, and found again when those are in the index."""
    for _ in range(2):
        with open_archive(index) as archive:
            assert dict(archive.rows("SELECT asn, name FROM networks")) == NAMES
    assert read_names(index.folder) == NAMES


@pytest.mark.parametrize("text", ["", "[]", '{"x": "y"}', "{"])
def test_broken_names_are_no_names(tmp_path: Path, text: str) -> None:
    """A report without names is better than none."""
    (tmp_path / FILE).write_text(text)
    assert read_names(tmp_path) == {}
