"""Signing: the Ed25519 key of a node's log, its public half for everybody, and the check of what it signed."""

from __future__ import annotations

from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from shieldproxy.core.notes import Checkpoint, Note, key_id, note_of, parse_checkpoint, parse_note


class Signer:
    """Signs in the name of ``origin``; ``seed`` is 32 secret bytes (RFC 8032)."""

    def __init__(self, origin: str, seed: bytes) -> None:
        self.origin = origin
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key_id = key_id(origin, self.public).hex()

    def sign(self, data: bytes) -> bytes:
        """Return the 64 bytes that prove that this key saw ``data``."""
        return self._private.sign(data)

    def note(self, size: int, root: bytes) -> str:
        """Return the signed checkpoint of a log of ``size`` entries."""
        text = Checkpoint(self.origin, size, root).text
        return note_of(text, self.origin, self.public, self.sign(text.encode()))


def pem_of(public: bytes) -> str:
    """Return a public key (32 bytes) as openssl reads it."""
    key = Ed25519PublicKey.from_public_bytes(public)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def public_of(pem: bytes) -> bytes:
    """Return the 32 bytes of a public key in PEM; raises ValueError when it is no Ed25519 key."""
    try:
        key = load_pem_public_key(pem)
    except Exception as error:
        raise ValueError("no public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("not an Ed25519 key")
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def fingerprint(public: bytes) -> str:
    """Return what people compare over the telephone: SHA-256 of the key, in groups of four."""
    digest = sha256(public).hexdigest()
    return " ".join(digest[at : at + 4] for at in range(0, 64, 4))


def is_signed(public: bytes, data: bytes, signature: bytes) -> bool:
    """Tell whether ``signature`` over ``data`` is by the key ``public``."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except InvalidSignature:
        return False
    return True


def checked_checkpoint(data: bytes, public: bytes) -> Checkpoint:
    """Return the checkpoint in the signed note ``data``; raises ValueError unless ``public`` signed it."""
    note: Note = parse_note(data)
    checkpoint = parse_checkpoint(note.text)
    signatures = note.by(checkpoint.origin, public)
    if not signatures:
        raise ValueError("is signed by another key")
    if not all(is_signed(public, note.text.encode(), signature) for signature in signatures):
        raise ValueError("its signature does not fit its text")
    return checkpoint
