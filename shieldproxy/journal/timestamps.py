"""Timestamps of checkpoints by somebody else (RFC 3161): what is asked, whether it was granted, where it is kept.

``<journal>/log/<node>/timestamps/<size>.note`` is the signed checkpoint and ``<size>.tsr`` the authority's answer about
it, for ``openssl ts -verify -data SIZE.note -in SIZE.tsr -CAfile AUTHORITY.pem``.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from shieldproxy.core.notes import parse_checkpoint, parse_note
from shieldproxy.journal.manifest_log import replace_file

FOLDER = "timestamps"
NONCE_BYTES = 8
# An answer with the authority's certificates is some 5 KiB.
MOST_BYTES = 1 << 16

# AlgorithmIdentifier of SHA-256 (RFC 5754), and certReq TRUE: the answer brings its certificate.
_SHA256 = bytes.fromhex("300d06096086480165030402010500")
_WITH_CERTIFICATE = bytes.fromhex("0101ff")
_SEQUENCE, _INTEGER, _OCTETS = b"\x30", b"\x02", b"\x04"
GRANTED = (b"\x00", b"\x01")


def query_of(note: bytes, nonce: bytes) -> bytes:
    """Return the TimeStampReq (DER) for the signed ``note``; ``nonce`` are eight bytes of chance."""
    imprint = _der(_SEQUENCE, _SHA256 + _der(_OCTETS, sha256(note).digest()))
    # A leading zero keeps the number positive; the next byte's highest bit keeps the zero from being superfluous.
    number = b"\x00" + bytes([nonce[0] | 0x80]) + nonce[1:]
    return _der(_SEQUENCE, _der(_INTEGER, b"\x01") + imprint + _der(_INTEGER, number) + _WITH_CERTIFICATE)


def refusal_in(answer: bytes, note: bytes, query: bytes) -> str:
    """Return why ``answer`` is no timestamp of ``note``; '' when it is granted and speaks of it and of our question.

    Its signature is for whoever verifies: an authority that lies to us gains nothing.
    """
    try:
        status, _ = _first(_first(_first(answer)[0])[0])
    except (IndexError, ValueError):
        return "the answer is none of RFC 3161"
    if status not in GRANTED:
        return f"the authority refused (status {int.from_bytes(status)})"
    nonce = query[-len(_WITH_CERTIFICATE) - NONCE_BYTES - 1 : -len(_WITH_CERTIFICATE)]
    if sha256(note).digest() not in answer or nonce not in answer:
        return "the answer speaks of something else"
    return ""


def keep(log: Path, note: bytes, answer: bytes) -> Path:
    """Keep the timestamp of ``note`` and return where; raises OSError, or ValueError when it is no checkpoint."""
    size = parse_checkpoint(parse_note(note).text).size
    place = log / FOLDER / f"{size}.tsr"
    replace_file(place.with_suffix(".note"), note)
    replace_file(place, answer)
    return place


def kept(log: Path) -> list[Path]:
    """Return the notes that have a timestamp, the oldest first."""
    found = [path for path in (log / FOLDER).glob("*.note") if path.stem.isdecimal()]
    return sorted((path for path in found if path.with_suffix(".tsr").exists()), key=lambda path: int(path.stem))


def _der(tag: bytes, content: bytes) -> bytes:
    return tag + bytes([len(content)]) + content  # short form: nothing here reaches 128 bytes


def _first(data: bytes) -> tuple[bytes, bytes]:
    """Return the content of the first element of DER ``data``, and what follows it."""
    length, at = data[1], 2
    if length & 0x80:
        count = length & 0x7F
        length, at = int.from_bytes(data[2 : 2 + count]), 2 + count
    if len(data) < at + length:
        raise ValueError("cut off")
    return data[at : at + length], data[at + length :]
