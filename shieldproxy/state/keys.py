"""Secrets of a node: the ring of keys for clearances and puzzles and the secret of its tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from shieldproxy.core.errors import StartError
from shieldproxy.state.files import make_secret, read_secret, replace_secret

if TYPE_CHECKING:
    from shieldproxy.core.ports import Chance

CLEARANCE_KEYS = "clearance.keys"
NODE_SECRET = "node.secret"  # noqa: S105 - the name of a file
EVIDENCE_KEY = "evidence.key"
KEY_BYTES = 32
# The current key and the one before it: what was signed before a rotation stays good until the next one.
RING = 2
EVIDENCE_COMMENT = "# Signs the journal (Ed25519 seed); made by shieldproxy. Keep a copy: a lost key ends the log.\n"
COMMENT = "# Keys of clearances and puzzles, newest first; made by shieldproxy, known to nobody else.\n"


class KeyRing(NamedTuple):
    """Keys of 32 bytes: ``current`` signs, ``keys`` (newest first) are accepted."""

    keys: tuple[bytes, ...]

    @property
    def current(self) -> bytes:
        """The key that signs."""
        return self.keys[0]


def load_ring(directory: Path, chance: Chance) -> KeyRing:
    """Return the ring in ``directory``; made at the first start.

    Raises StartError, naming the file, when it is damaged or cannot be read or made: a node that signed with another
    key in silence would send every citizen through a challenge again.
    """
    path = directory / CLEARANCE_KEYS
    text = read_secret(path)
    if text is None:
        text = make_secret(path, _spell((chance(KEY_BYTES),)))
    return KeyRing(_read_keys(path, text, RING))


def rotate(directory: Path, chance: Chance) -> KeyRing:
    """Put a new key before the current one and forget the oldest; return the new ring. Raises StartError.

    Workers read the ring anew when the policy's generation changes.
    """
    ring = load_ring(directory, chance)
    keys = (chance(KEY_BYTES), *ring.keys)[:RING]
    replace_secret(directory / CLEARANCE_KEYS, _spell(keys))
    return KeyRing(keys)


def load_node_secret(directory: Path, chance: Chance) -> bytes:
    """Return the secret that keys the names in the node's tables; made at the first start. Raises StartError."""
    path = directory / NODE_SECRET
    text = read_secret(path)
    if text is None:
        text = make_secret(path, f"{chance(KEY_BYTES).hex()}\n")
    return _read_keys(path, text, 1)[0]


def load_evidence_seed(directory: Path, chance: Chance) -> bytes:
    """Return the seed of the Ed25519 key that signs the journal; made at the first start. Raises StartError."""
    path = directory / EVIDENCE_KEY
    text = read_secret(path)
    if text is None:
        text = make_secret(path, f"{EVIDENCE_COMMENT}{chance(KEY_BYTES).hex()}\n")
    return _read_keys(path, text, 1)[0]


def _spell(keys: tuple[bytes, ...]) -> str:
    return COMMENT + "".join(f"{key.hex()}\n" for key in keys)


def _read_keys(path: Path, text: str, most: int) -> tuple[bytes, ...]:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    try:
        keys = tuple(bytes.fromhex(line) for line in lines)
    except ValueError:
        keys = ()
    if not 1 <= len(keys) <= most or any(len(key) != KEY_BYTES for key in keys):
        raise StartError(
            f"{path}: is damaged (expected 1 to {most} lines of {2 * KEY_BYTES} hexadecimal digits); bring it back "
            "from a backup, or remove it to have it made anew"
        )
    return keys
