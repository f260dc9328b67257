from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from shieldproxy.core.merkle import EMPTY
from shieldproxy.core.notes import parse_note
from shieldproxy.journal.signing import Signer, checked_checkpoint, fingerprint, is_signed, pem_of, public_of

SIGNER = Signer("edge1/shieldproxy", bytes(32))
OTHER = Signer("edge1/shieldproxy", bytes(31) + b"\x01")


def test_a_checkpoint_is_believed_to_its_key_alone() -> None:
    """Another key, a changed text or a changed signature are each named."""
    note = SIGNER.note(5, EMPTY).encode()
    checkpoint = checked_checkpoint(note, SIGNER.public)
    assert (checkpoint.origin, checkpoint.size, checkpoint.root) == ("edge1/shieldproxy", 5, EMPTY)
    with pytest.raises(ValueError, match="another key"):
        checked_checkpoint(note, OTHER.public)
    with pytest.raises(ValueError, match="does not fit"):
        checked_checkpoint(note.replace(b"\n5\n", b"\n6\n"), SIGNER.public)


def test_a_key_is_known_by_its_pem_and_its_fingerprint() -> None:
    """What is written is read again; what is no key is refused with a sentence."""
    assert public_of(pem_of(SIGNER.public).encode()) == SIGNER.public
    assert fingerprint(SIGNER.public) != fingerprint(OTHER.public)
    assert len(fingerprint(SIGNER.public).split()) == 16
    with pytest.raises(ValueError, match="no public key"):
        public_of(b"nothing")


def test_openssl_comes_to_the_same(tmp_path: Path) -> None:
    """A recipient checks a checkpoint without any program of ours."""
    note = parse_note(SIGNER.note(5, EMPTY).encode())
    (signature,) = note.by(SIGNER.origin, SIGNER.public)
    assert is_signed(SIGNER.public, note.text.encode(), signature)
    for name, data in (("pub", pem_of(SIGNER.public).encode()), ("text", note.text.encode()), ("sig", signature)):
        (tmp_path / name).write_bytes(data)
    command = "openssl pkeyutl -verify -pubin -inkey pub -rawin -in text -sigfile sig"
    assert subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False).returncode == 0
    (tmp_path / "text").write_bytes(note.text.encode() + b"\n")
    assert subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False).returncode != 0
