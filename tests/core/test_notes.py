from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.notes import (
    LONGEST_NOTE,
    Checkpoint,
    key_id,
    note_of,
    parse_checkpoint,
    parse_note,
    verifier_key,
)

# The example of the specification (C2SP, signed-note).
NAME = "example.com/foo"
PUBLIC = base64.b64decode("AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")[1:]
SIGNED = (
    "This is an example message.\n\n\u2014 example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
ROOT = base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")


def test_keys_are_named_as_the_specification_names_them() -> None:
    """Its example key has the same ID and the same word here."""
    assert key_id(NAME, PUBLIC).hex() == "530d903a"
    assert verifier_key(NAME, PUBLIC) == "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"


def test_its_example_is_read_and_written_to_the_byte() -> None:
    """Other tools read our notes, and we theirs."""
    note = parse_note(SIGNED.encode())
    assert note.text == "This is an example message.\n"
    (signature,) = note.by(NAME, PUBLIC)
    assert note_of(note.text, NAME, PUBLIC, signature) == SIGNED


def test_a_signature_of_another_key_is_no_signature_of_ours() -> None:
    """Neither the same name nor the same bytes are enough: both must agree."""
    note = parse_note(SIGNED.encode())
    assert note.by("example.com/bar", PUBLIC) == ()
    assert note.by(NAME, bytes(32)) == ()


def test_a_checkpoint_is_three_lines() -> None:
    """The example of tlog-checkpoint; lines added by others are left aside."""
    checkpoint = Checkpoint("example.com/behind-the-sofa", 20852163, ROOT)
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    assert checkpoint.text == text
    assert parse_checkpoint(text) == parse_checkpoint(text + "extension\n") == checkpoint


@given(st.integers(0, 2**63), st.binary(min_size=32, max_size=32))
def test_what_is_written_is_read_again(size: int, root: bytes) -> None:
    """Checkpoints survive their text."""
    checkpoint = Checkpoint("edge1", size, root)
    assert parse_checkpoint(checkpoint.text) == checkpoint


@pytest.mark.parametrize(
    "text",
    ["", "a\n1\n", "\n1\nAAAA\n", "a\n01\nAAAA\n", "a\n-1\nAAAA\n", "a\n1\nAAAA\n", "a\n1\n*\n", "a\n\u0663\nx\n"],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    """With a sentence, never with another kind of error."""
    with pytest.raises(ValueError, match=r"no checkpoint|no base64"):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text only\n",
        b"text\n\n",
        b"text\n\nno dash AAAA\n",
        "text\n\n\u2014 name\n".encode(),
        "text\n\n\u2014 name AAAA\n".encode(),
        "text\n\n\u2014 name \u00e9\n".encode(),
        "te\txt\n\n\u2014 name AAAAAAAA\n".encode(),
        b"\xff\n\n",
        b"x" * (LONGEST_NOTE + 1),
        ("text\n\n" + "\u2014 name AAAAAAAA\n" * 17).encode(),
    ],
)
def test_what_is_no_note_is_refused(data: bytes) -> None:
    """A damaged file is named as such."""
    with pytest.raises(ValueError, match=r"note|signature|base64"):
        parse_note(data)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    """Whatever lies there is a note or a ValueError."""
    try:
        parse_note(data)
    except ValueError:
        return
