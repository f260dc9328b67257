"""Signed notes and checkpoints, the texts of C2SP (signed-note, tlog-checkpoint): three lines state a whole log.

Only the texts: signatures are made and checked by whoever holds keys.
"""

from __future__ import annotations

import base64
import binascii
from hashlib import sha256
from typing import NamedTuple

ED25519 = b"\x01"
_DASH = "\u2014 "
# Witnesses may add theirs; the format asks to take sixteen at least and to have a limit.
MOST_SIGNATURES = 16
# Three lines and sixteen signatures, also of the long kinds.
LONGEST_NOTE = 128 * 1024


class Checkpoint(NamedTuple):
    """What a log says of itself: its name, how many entries it has, and the root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


class Signature(NamedTuple):
    """One signature of a note; ``key_id`` tells keys of one name apart, it is not secret and no proof."""

    name: str
    key_id: bytes
    signature: bytes


class Note(NamedTuple):
    """A text with its signatures, none of them checked."""

    text: str
    signatures: tuple[Signature, ...]

    def by(self, name: str, public: bytes) -> tuple[bytes, ...]:
        """Return the signatures that claim to be of the Ed25519 key ``public`` called ``name``."""
        wanted = key_id(name, public)
        return tuple(found.signature for found in self.signatures if (found.name, found.key_id) == (name, wanted))


def key_id(name: str, public: bytes) -> bytes:
    """Return the four bytes that name the Ed25519 key ``public`` (32 bytes)."""
    return sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def verifier_key(name: str, public: bytes) -> str:
    """Return the key as one word (vkey), as witnesses and other tools take it."""
    return f"{name}+{key_id(name, public).hex()}+{base64.b64encode(ED25519 + public).decode()}"


def note_of(text: str, name: str, public: bytes, signature: bytes) -> str:
    """Return ``text`` as a note signed by the Ed25519 key ``public`` called ``name``."""
    return f"{text}\n{_DASH}{name} {base64.b64encode(key_id(name, public) + signature).decode()}\n"


def parse_note(data: bytes) -> Note:
    """Return the note in ``data``; raises ValueError saying what is wrong with it."""
    if len(data) > LONGEST_NOTE:
        raise ValueError("too long for a signed note")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("no signed note: not UTF-8") from None
    if any(ord(character) < 0x20 and character != "\n" for character in whole):
        raise ValueError("no signed note: control characters in it")
    text, blank, rest = whole.rpartition("\n\n")
    lines = rest.split("\n")
    if not blank or not text or lines.pop() or not lines:
        raise ValueError("no signed note: text, an empty line and signatures are expected")
    if len(lines) > MOST_SIGNATURES:
        raise ValueError(f"more than {MOST_SIGNATURES} signatures")
    return Note(text + "\n", tuple(_signature(line) for line in lines))


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint in the text of a note; raises ValueError saying what is wrong with it."""
    lines = text.split("\n")
    if len(lines) < 4 or not lines[0] or lines[-1]:
        raise ValueError("no checkpoint: three lines are expected")
    if not (lines[1].isascii() and lines[1].isdecimal()) or (lines[1][0] == "0" and lines[1] != "0"):
        raise ValueError(f"no checkpoint: {lines[1][:40]!r} is no size")
    root = _unbase64(lines[2])
    if len(root) != 32:
        raise ValueError("no checkpoint: the root is not 32 bytes long")
    return Checkpoint(lines[0], int(lines[1]), root)


def _signature(line: str) -> Signature:
    words = line.removeprefix(_DASH).split(" ")
    if not line.startswith(_DASH) or len(words) != 2 or not words[0]:
        raise ValueError(f"no signature: {line[:80]!r}")
    found = _unbase64(words[1])
    if len(found) < 5:
        raise ValueError(f"a signature that is too short: {line[:80]!r}")
    return Signature(words[0], found[:4], found[4:])


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError(f"no base64: {text[:80]!r}") from None
