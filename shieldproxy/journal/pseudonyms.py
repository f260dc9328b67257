"""Pseudonyms: addresses of people who were let in are replaced after their own time, and the seal still holds.

Prefix-preserving (Crypto-PAn: J. Xu, J. Fan, M. Ammar, S. Moon, 2002): two addresses that share their first n bits have
pseudonyms that share n bits, so neighbourhoods can still be counted. Each month has a key of its own.

A line that was replaced keeps the leaf hash of what it was (``original``), so the tree that was sealed can be built
again and every other line of the segment proves what it proved. That hash would give the address away to whoever tries
all addresses, were it not for ``salt``: 96 bits of chance that each admitted line is written with and loses here.
"""

from __future__ import annotations

import ipaddress
from base64 import b64encode
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import orjson
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from shieldproxy.core.merkle import leaf_hash
from shieldproxy.journal.measuring import lines_of, raw_blocks

SALT_BYTES = 12
_SALT_CHARACTERS = 16
ADMITTED = b'"action":"admit"'
_ORIGINAL = b',"original":"'
# So many addresses are remembered while a segment is rewritten: a page brings fifty requests of one.
_REMEMBERED = 1 << 16


class Key(NamedTuple):
    """What the pseudonyms of a month are made with: its name in records, and 32 secret bytes."""

    name: str
    secret: bytes


def named(month: str, secret: bytes) -> Key:
    """Return the key of ``month`` (``2026-11``); its name tells two keys of one month apart and gives neither away."""
    return Key(f"{month}.{sha256(b'shieldproxy pseudonym key' + secret).hexdigest()[:8]}", secret)


def salt(lines: list[bytes], which: Sequence[int], chance: Callable[[int], bytes]) -> None:
    """Give those of ``lines`` (JSON objects) at the places ``which`` a salt each, at their end."""
    salts = b64encode(chance(SALT_BYTES * len(which)))
    for place, at in zip(which, range(0, len(salts), _SALT_CHARACTERS), strict=True):
        lines[place] = lines[place][:-1] + b',"salt":"' + salts[at : at + _SALT_CHARACTERS] + b'"}'


class Pseudonyms:
    """Replaces addresses with one key; each address is worked out once."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self._cipher = Cipher(algorithms.AES(key.secret[:16]), modes.ECB())  # noqa: S305 - Crypto-PAn asks for single blocks
        self._pad = int.from_bytes(self._encrypted(key.secret[16:]))
        self._known: dict[str, str] = {}

    def of(self, text: str) -> str:
        """Return the pseudonym of an address, or of a network in CIDR notation; what is neither gives ''."""
        found = self._known.get(text)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[text] = self._made(text)
        return found

    def _made(self, text: str) -> str:
        address, slash, length = text.partition("/")
        try:
            parsed = ipaddress.ip_address(address)
            bits = int(length) if slash else parsed.max_prefixlen
        except ValueError:
            return ""
        whole = parsed.max_prefixlen
        value = int(parsed) ^ self._flips(int(parsed), bits, whole) << whole - bits
        return f"{type(parsed)(value)}{slash}{length}"

    def _flips(self, address: int, bits: int, whole: int) -> int:
        """Return which of the first ``bits`` are turned: for each, one bit of a cipher over those before it."""
        blocks = bytearray()
        rest = (1 << 128) - 1
        for count in range(bits):
            head = address >> whole - count << 128 - count
            blocks += (head | self._pad & rest >> count).to_bytes(16)
        out = self._encrypted(bytes(blocks))
        found = 0
        for at in range(0, len(out), 16):
            found = found << 1 | out[at] >> 7
        return found

    def _encrypted(self, data: bytes) -> bytes:
        encryptor = self._cipher.encryptor()
        return encryptor.update(data) + encryptor.finalize()


class Rewritten(NamedTuple):
    """A segment with pseudonyms: its bytes, how many lines were replaced, and how many of them without a salt.

    ``linked``: the tree that was sealed can be built from it.
    """

    data: bytes
    changed: int
    unsalted: int

    @property
    def linked(self) -> bool:
        """Whether every replaced line had a salt and kept its hash."""
        return self.unsalted == 0


def rewrite(file: int, pseudonyms: Pseudonyms) -> Rewritten:
    """Return the segment in the open ``file`` with pseudonyms in its admitted lines; all other bytes stay."""
    pieces: list[bytes] = []
    changed = unsalted = 0
    for block in raw_blocks(file):
        if ADMITTED not in block:
            pieces.append(block)
            continue
        for line in lines_of(block):
            fields = _admitted(line)
            if fields is None:
                pieces.append(line)
                continue
            changed += 1
            unsalted += not fields.get("salt")
            pieces.append(_replaced(line, fields, pseudonyms))
    return Rewritten(b"".join(pieces), changed, unsalted)


def original_leaves(file: int) -> list[bytes]:
    """Return the leaf hashes of the segment as it was sealed, from its rewritten form in the open ``file``.

    Only an admitted line is believed to have been another one: no refusal was ever rewritten.
    """
    return [original_leaf(line) for block in raw_blocks(file) for line in lines_of(block)]


def original_leaf(line: bytes) -> bytes:
    """Return the leaf hash of what ``line`` was when it was sealed."""
    kept = original_of(line)
    return leaf_hash(line) if kept is None else kept


def original_of(line: bytes) -> bytes | None:
    """Return the leaf hash that a replaced line kept; None for a line that was not replaced."""
    if _ORIGINAL not in line:
        return None
    fields = _admitted(line, replaced=True)
    try:
        return None if fields is None else bytes.fromhex(fields["original"])
    except (ValueError, TypeError):
        return None


def _admitted(line: bytes, *, replaced: bool = False) -> dict[str, Any] | None:
    """Return the fields of an admitted record whose address is still there (or was ``replaced``); else None."""
    if ADMITTED not in line:
        return None
    try:
        fields = orjson.loads(line)
    except ValueError:
        return None
    if not isinstance(fields, dict) or fields.get("action") != "admit" or ("pseudonym" in fields) is not replaced:
        return None
    return fields


def _replaced(line: bytes, fields: dict[str, Any], pseudonyms: Pseudonyms) -> bytes:
    address, client = str(fields.get("src_ip", "")), str(fields.get("client", ""))
    fields["src_ip"], fields["client"], fields["src_port"] = pseudonyms.of(address), pseudonyms.of(client), 0
    fields["pseudonym"] = pseudonyms.key.name
    if fields.pop("salt", ""):
        fields["original"] = leaf_hash(line).hex()
    return orjson.dumps(fields) + b"\n"
