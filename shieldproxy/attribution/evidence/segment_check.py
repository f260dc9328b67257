"""The check of one segment against what the log says of it, with its first bad line where that can be told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson

from shieldproxy.core.merkle import root_of
from shieldproxy.journal.measuring import lines_of, measure, raw_blocks
from shieldproxy.journal.packing import open_plain
from shieldproxy.journal.pseudonyms import original_leaves

Entry = dict[str, Any]


def problem_of(path: Path, entry: Entry) -> str:
    """Return what is wrong with the segment at ``path``, with its first bad line where that can be told; '' if nothing.

    Raises OSError when it cannot be read.
    """
    file = open_plain(path)
    try:
        found = measure(file)
        if (found.sha256, found.root.hex()) == (entry["sha256"], entry["merkle_root"]):
            return ""
        return _first_bad_line(file, path, entry)
    finally:
        os.close(file)


def link_problem(path: Path, entry: Entry, *, linked: bool) -> str:
    """Return why the rewritten segment at ``path`` is not what ``entry`` sealed but for its pseudonyms; '' if it is."""
    if not linked:
        return ""
    file = open_plain(path)
    try:
        if root_of(original_leaves(file)).hex() == entry["merkle_root"]:
            return ""
    finally:
        os.close(file)
    return f"{path}: apart from its pseudonyms it is not what was sealed"


def _first_bad_line(file: int, path: Path, entry: Entry) -> str:
    number = 0
    for block in raw_blocks(file):
        for data in lines_of(block):
            number += 1
            try:
                seq = orjson.loads(data)["seq"]
            except (ValueError, KeyError, TypeError):
                return f"{path}:{number}: is no record"
            expected = entry["first_seq"] + number - 1
            if seq != expected:
                return f"{path}:{number}: has number {seq}, number {expected} was sealed here"
            if not data.endswith(b"\n"):
                return f"{path}:{number}: is cut off"
    if number != entry["records"]:
        return f"{path}:{number}: the last line; {entry['records']} were sealed"
    return f"{path}: one of its {number} lines was changed (a seal covers the file; a bundle proves each line)"
