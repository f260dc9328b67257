"""Timestamps: the question that openssl reads, and answers of other kinds."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from shieldproxy.journal.timestamps import keep, kept, query_of, refusal_in
from tests.fakes.sealers import signer_of

NOTE = signer_of("edge1").note(3, bytes(32)).encode()


def test_the_question_is_what_openssl_reads(tmp_path: Path) -> None:
    """Version, hash, nonce, and that the certificate is wanted."""
    (tmp_path / "query").write_bytes(query_of(NOTE, bytes(range(8))))
    said = subprocess.run(
        ["openssl", "ts", "-query", "-in", str(tmp_path / "query"), "-text"], capture_output=True, text=True, check=True
    ).stdout
    assert "Hash Algorithm: sha256" in said
    assert "Nonce: 0x8001020304050607" in said
    assert "Certificate required: yes" in said


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "none of RFC 3161"),
        (b"<html>", "none of RFC 3161"),
        (bytes.fromhex("30053003020102"), "refused (status 2)"),
        (bytes.fromhex("30053003020100"), "speaks of something else"),
        (bytes.fromhex("3082ffff3003020100"), "none of RFC 3161"),
    ],
)
def test_what_is_no_timestamp_is_told(answer: bytes, why: str) -> None:
    """Garbage, a refusal, one about another file."""
    assert why in refusal_in(answer, NOTE, query_of(NOTE, bytes(8)))


def test_they_are_kept_by_the_size_of_the_log(tmp_path: Path) -> None:
    """The note beside the answer; what has no answer is not told."""
    assert kept(tmp_path) == []
    place = keep(tmp_path, NOTE, b"answer")
    assert place.read_bytes() == b"answer"
    (tmp_path / "timestamps/12.note").touch()
    assert [path.name for path in kept(tmp_path)] == ["3.note"]
    assert kept(tmp_path)[0].read_bytes() == NOTE
    with pytest.raises(ValueError, match=r".*"):
        keep(tmp_path, b"nothing", b"answer")
