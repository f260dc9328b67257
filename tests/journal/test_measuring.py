from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shieldproxy.core.merkle import leaf_hash, root_of
from shieldproxy.journal import measuring
from shieldproxy.journal.measuring import Measured, leaf_hashes, lines_of, measure
from tests.fakes.records import record_at, write_journal


def measured(path: Path) -> tuple[Measured, list[bytes]]:
    """Return what is measured of the file, and its leaves."""
    file = os.open(path, os.O_RDONLY)
    try:
        return measure(file), leaf_hashes(file)
    finally:
        os.close(file)


def test_a_segment_is_measured_in_one_pass(tmp_path: Path) -> None:
    """Digest, root, counts, numbers, and which policies and databases its records name."""
    records = [record_at(n, weight=n, policy="p1" if n < 3 else "p2", geo="asn:2026-06-17") for n in range(1, 6)]
    write_journal(tmp_path, records)
    (path,) = tmp_path.rglob("*.jsonl")
    found, leaves = measured(path)
    data = path.read_bytes()
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert leaves == [leaf_hash(line + b"\n") for line in data[:-1].split(b"\n")]
    assert found.root == root_of(leaves)
    assert (found.size, found.records, found.weight, found.broken) == (len(data), 5, 15, 0)
    assert (found.first_seq, found.last_seq) == (1, 5)
    assert (found.policies, found.geo) == (("p1", "p2"), ("asn:2026-06-17",))


def test_a_client_cannot_forge_what_is_counted(tmp_path: Path) -> None:
    """A user agent that looks like the end of a record counts for nothing: its quotes are escaped."""
    forged = '"policy":"x","geo":"","weight":1000000,"buckets":{}'
    write_journal(tmp_path, [record_at(user_agent=forged, query=forged)])
    (path,) = tmp_path.rglob("*.jsonl")
    found, _ = measured(path)
    assert (found.weight, found.policies) == (1, ("abcdef",))


def test_what_is_no_record_is_counted_apart(tmp_path: Path) -> None:
    """A damaged segment is sealed as it is, and its manifest says how many lines are broken."""
    path = tmp_path / "any"
    path.write_bytes(b'\n{"seq":1}\nnothing\n{"policy":"p","geo":"","weight":true,"buckets":{}}\n\xff')
    found, leaves = measured(path)
    assert (found.records, found.broken, found.weight) == (5, 5, 0)
    assert len(leaves) == 5
    assert (found.first_seq, found.last_seq) == (0, 0)


def test_many_weights_are_summed_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood that is summed has a weight of its own in each line."""
    monkeypatch.setattr(measuring, "MOST_ENDS", 4)
    monkeypatch.setattr(measuring, "PIECE", 4_096)
    write_journal(tmp_path, [record_at(n / 10, weight=10**9 + n, policy=f"p{n:02d}") for n in range(50)])
    (path,) = tmp_path.rglob("*.jsonl")
    found, _ = measured(path)
    assert found.weight == 50 * 10**9 + sum(range(50))
    assert len(found.policies) <= measuring.MOST_NAMES


@given(st.lists(st.binary(max_size=12).map(lambda data: data.replace(b"\n", b"")), min_size=1), st.booleans())
def test_lines_are_what_ends_with_a_newline_and_nothing_else(lines: list[bytes], ended: bool) -> None:  # noqa: FBT001 - drawn
    """Also when somebody put carriage returns into the file."""
    block = b"\n".join(lines) + (b"\n" if ended else b"")
    assume(block)
    expected = [line + b"\n" for line in lines[:-1]] + [lines[-1] + (b"\n" if ended else b"")]
    expected = [line for line in expected if line]
    assert lines_of(block) == expected
    leaves: list[bytes] = []
    measuring.hash_leaves(lines_of(block), leaves)
    assert leaves == [leaf_hash(line) for line in expected]


def test_a_piece_with_other_ends_than_the_one_before_is_counted_right(tmp_path: Path) -> None:
    """What was usual is only looked for first: a new policy, and weights that begin in the middle, are seen."""
    records = [
        record_at(n / 100, policy=f"p{n // 700}", weight=1 if n % 900 < 850 else n, user_agent="x" * 400)
        for n in range(2_000)
    ]
    write_journal(tmp_path, records)
    (path,) = tmp_path.rglob("*.jsonl")
    assert path.stat().st_size > 4 * measuring.PIECE
    found, _ = measured(path)
    assert found.weight == sum(record.weight for record in records)
    assert (found.policies, found.broken) == (("p0", "p1", "p2"), 0)


def test_an_empty_file_has_an_empty_tree(tmp_path: Path) -> None:
    """It is no error to measure nothing."""
    (tmp_path / "empty").touch()
    found, leaves = measured(tmp_path / "empty")
    assert (found.records, found.size, leaves) == (0, 0, [])
