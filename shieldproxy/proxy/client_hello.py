"""The ClientHello: what a TLS client says first, in the clear, before any cryptography is done.

Written after RFC 8446 (sections 4.1.2, 4.2 and 5.1) and RFC 6066 (section 3). Pure: bytes in, a hello out. Only what we
need is looked at: the name, the protocols, and what a fingerprint is made of.
"""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

# A record may hold 16 KiB. Hellos of browsers take 0.5 to 2 KiB, with a post-quantum key and a ticket up to some 4 KiB;
# what is longer than four times that is no visitor.
MAX_HELLO = 16_384

RECORD_HEADER, MESSAGE_HEADER = 5, 4
HANDSHAKE, CLIENT_HELLO = 22, 1
SERVER_NAME, SIGNATURE_ALGORITHMS, PROTOCOLS, SUPPORTED_VERSIONS = 0, 13, 16, 43
NAME = re.compile(rb"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")


class ClientHello(NamedTuple):
    """What a client offers, each list in the order of the wire with the GREASE of RFC 8701 in it.

    ``version`` is legacy_version. ``name`` is the host asked for (SNI), lower-case, or '' where none was or none that
    can be one. ``protocols`` are those of ALPN.
    """

    version: int = 0x0303
    ciphers: tuple[int, ...] = ()
    extensions: tuple[int, ...] = ()
    name: str = ""
    protocols: tuple[bytes, ...] = ()
    signatures: tuple[int, ...] = ()
    versions: tuple[int, ...] = ()


class Unfinished(NamedTuple):
    """There is no whole hello yet, and cannot be before there are ``wanted`` bytes."""

    wanted: int


def read_hello(data: bytes) -> ClientHello | Unfinished:
    """Return the hello at the start of ``data``, over as many records as it takes.

    Raises ValueError when ``data`` cannot become one, or only one that is longer than MAX_HELLO.
    """
    message = b""
    at = 0
    while True:
        if at and len(message) >= MESSAGE_HEADER:
            size = MESSAGE_HEADER + int.from_bytes(message[1:4])
            if size > MAX_HELLO:
                raise ValueError("a ClientHello longer than 16 KiB")
            if len(message) >= size:
                return read_message(message[MESSAGE_HEADER:size])
        if at >= MAX_HELLO:
            raise ValueError("a ClientHello in more bytes than 16 KiB")
        end = end_of_record(data, at)
        if len(data) < end:
            return Unfinished(end)
        message += data[at + RECORD_HEADER : end]
        if message[0] != CLIENT_HELLO:
            raise ValueError("TLS that does not begin with a ClientHello")
        at = end


def end_of_record(data: bytes, at: int) -> int:
    """Return where the record at ``at`` ends, or its header as long as that is not whole.

    Raises ValueError when no record of a handshake stands there.
    """
    header = data[at : at + RECORD_HEADER]
    if header[:1] not in (b"", b"\x16") or header[1:2] not in (b"", b"\x03"):
        raise ValueError("no TLS")
    if len(header) < RECORD_HEADER:
        return at + RECORD_HEADER
    length = int.from_bytes(header[3:5])
    if not 0 < length <= MAX_HELLO:
        raise ValueError("a TLS record that is empty or too long")
    return at + RECORD_HEADER + length


def read_message(body: bytes) -> ClientHello:
    """Return the hello whose body is ``body``; raises ValueError when its lengths do not agree."""
    if len(body) < 34:
        raise ValueError("a ClientHello cut short")
    _, at = vector(body, 34, 1)  # the session of earlier versions
    ciphers, at = vector(body, at, 2)
    _, at = vector(body, at, 1)  # compression
    extensions, at = vector(body, at, 2) if at < len(body) else (b"", at)
    if at != len(body):
        raise ValueError("bytes behind a ClientHello")
    found = dict.fromkeys((SERVER_NAME, SIGNATURE_ALGORITHMS, PROTOCOLS, SUPPORTED_VERSIONS), b"")
    kinds: list[int] = []
    at = 0
    while at < len(extensions):
        kind = extensions[at : at + 2]
        value, at = vector(extensions, at + 2, 2)
        kinds.append(int.from_bytes(kind))
        if kinds[-1] in found and not found[kinds[-1]]:
            found[kinds[-1]] = value
    return ClientHello(
        int.from_bytes(body[:2]),
        numbers(ciphers),
        tuple(kinds),
        read_name(found[SERVER_NAME]),
        read_protocols(found[PROTOCOLS]),
        read_numbers(found[SIGNATURE_ALGORITHMS], 2),
        read_numbers(found[SUPPORTED_VERSIONS], 1),
    )


def vector(data: bytes, at: int, width: int) -> tuple[bytes, int]:
    """Return the bytes whose length stands in ``width`` bytes at ``at``, and where they end. Raises ValueError."""
    start = at + width
    end = start + int.from_bytes(data[at:start])
    if start > len(data) or end > len(data):
        raise ValueError("a ClientHello cut short")
    return data[start:end], end


def numbers(data: bytes) -> tuple[int, ...]:
    """Return 16-bit numbers; raises ValueError when a byte is left over."""
    if len(data) % 2:
        raise ValueError("half a number in a ClientHello")
    return struct.unpack(f"!{len(data) // 2}H", data)


def read_numbers(value: bytes, width: int) -> tuple[int, ...]:
    """Return the list of an extension that holds nothing else; of no extension none."""
    if not value:
        return ()
    found, end = vector(value, 0, width)
    if end != len(value):
        raise ValueError("bytes behind a list in a ClientHello")
    return numbers(found)


def read_name(value: bytes) -> str:
    """Return the host that is asked for, lower-case and without a last dot; '' when it could be no host of ours."""
    if not value:
        return ""
    names, _ = vector(value, 0, 2)
    if names[:1] != b"\x00":  # host_name is the only kind there has ever been
        return ""
    name, _ = vector(names, 1, 2)
    if len(name) > 254 or NAME.fullmatch(name) is None:
        return ""
    return name.decode("ascii").lower().removesuffix(".")


def read_protocols(value: bytes) -> tuple[bytes, ...]:
    """Return the protocols of ALPN (RFC 7301)."""
    if not value:
        return ()
    listed, _ = vector(value, 0, 2)
    found: list[bytes] = []
    at = 0
    while at < len(listed):
        protocol, at = vector(listed, at, 1)
        found.append(protocol)
    return tuple(found)
