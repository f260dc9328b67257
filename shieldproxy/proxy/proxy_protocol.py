"""The PROXY protocol, versions 1 and 2: who the client is, told by the balancer before us.

Written after HAProxy's specification "The PROXY protocol, versions 1 & 2". Pure: bytes in, an announcement out.
"""

from __future__ import annotations

import ipaddress
import struct
from typing import NamedTuple

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
# "PROXY UNKNOWN" with the longest addresses is 107 bytes with its line end (section 2.1).
MAX_V1 = 107
# Addresses are 36 bytes at most; the rest are TLVs (TLS, authority, JA4). 2 KiB holds all that balancers send.
MAX_V2 = 16 + 2048

TLV_SSL = 0x20
TLV_SSL_VERSION = 0x21
# Range for custom use (section 2.2.7): our deploy/haproxy.cfg puts JA4 here.
TLV_JA4 = 0xE1


class Announcement(NamedTuple):
    """What the balancer said. ``src_ip`` '' : it speaks for itself (a health check). ``size`` is bytes consumed."""

    size: int
    src_ip: str = ""
    src_port: int = 0
    dst_ip: str = ""
    dst_port: int = 0
    tls: str = ""
    ja4: str = ""


def read_announcement(data: bytes) -> Announcement | None:
    """Return the announcement at the start of ``data``; None when more bytes are needed.

    Raises ValueError when ``data`` cannot become one.
    """
    if data.startswith(SIGNATURE):
        return read_v2(data)
    if SIGNATURE.startswith(data[: len(SIGNATURE)]):
        return None
    if data.startswith(b"PROXY "):
        return read_v1(data)
    if b"PROXY ".startswith(data[:6]):
        return None
    raise ValueError("the connection does not start with a PROXY announcement")


def read_v1(data: bytes) -> Announcement | None:
    """Return the announcement of the one-line form, as ``read_announcement`` does."""
    end = data.find(b"\r\n", 0, MAX_V1)
    if end < 0:
        if len(data) >= MAX_V1:
            raise ValueError("PROXY line does not end within 107 bytes")
        return None
    words = data[:end].split(b" ")
    if words[1:2] == [b"UNKNOWN"]:
        return Announcement(end + 2)
    if len(words) != 6 or words[1] not in (b"TCP4", b"TCP6"):
        raise ValueError("PROXY line is not PROXY TCP4|TCP6 source destination port port")
    version = 4 if words[1] == b"TCP4" else 6
    source, destination = (ipaddress.ip_address(word.decode("ascii")) for word in words[2:4])
    if source.version != version or destination.version != version:
        raise ValueError("PROXY line has an address of the other family")
    return Announcement(end + 2, str(source), port(words[4]), str(destination), port(words[5]))


def port(word: bytes) -> int:
    """Return a port number; raises ValueError when ``word`` is none."""
    if not word.isdigit() or len(word) > 5 or int(word) > 65_535:
        raise ValueError("PROXY line has a port that is none")
    return int(word)


def read_v2(data: bytes) -> Announcement | None:
    """Return the announcement of the binary form, as ``read_announcement`` does."""
    if len(data) < 16:
        return None
    command, family, length = struct.unpack_from("!BBH", data, 12)
    if command >> 4 != 2 or command & 0x0F > 1:
        raise ValueError("PROXY header has an unknown version or command")
    size = 16 + length
    if size > MAX_V2:
        raise ValueError("PROXY header is longer than 2 KiB")
    if len(data) < size:
        return None
    if command & 0x0F == 0:
        return Announcement(size)
    return addresses(family, data[16:size], size)


def addresses(family: int, block: bytes, size: int) -> Announcement:
    """Return the announcement of a PROXY command; families other than TCP over IP say nothing about a client."""
    if family == 0x11 and len(block) >= 12:
        source, destination = ipaddress.ip_address(block[0:4]), ipaddress.ip_address(block[4:8])
        ports, rest = struct.unpack_from("!HH", block, 8), block[12:]
    elif family == 0x21 and len(block) >= 36:
        source, destination = ipaddress.ip_address(block[0:16]), ipaddress.ip_address(block[16:32])
        ports, rest = struct.unpack_from("!HH", block, 32), block[36:]
    elif family in (0x11, 0x21):
        raise ValueError("PROXY header is shorter than its addresses")
    else:
        return Announcement(size)
    tls, ja4 = read_tlvs(rest)
    return Announcement(size, str(source), ports[0], str(destination), ports[1], tls, ja4)


def read_tlvs(rest: bytes) -> tuple[str, str]:
    """Return (TLS version, JA4) out of the type-length-value tail; raises ValueError when it is cut short."""
    tls = ja4 = ""
    while rest:
        if len(rest) < 3:
            raise ValueError("PROXY header ends within a TLV")
        kind, length = struct.unpack_from("!BH", rest)
        value, rest = rest[3 : 3 + length], rest[3 + length :]
        if len(value) < length:
            raise ValueError("PROXY header ends within a TLV")
        if kind == TLV_SSL and len(value) >= 5 and value[0] & 1:
            tls = nested_tls_version(value[5:])
        elif kind == TLV_JA4:
            ja4 = value[:64].decode("ascii", "replace")
    return tls, ja4


def nested_tls_version(rest: bytes) -> str:
    """Return the TLS version inside the TLV of TLS facts, or 'yes' when it only says that there was TLS."""
    while len(rest) >= 3:
        kind, length = struct.unpack_from("!BH", rest)
        if kind == TLV_SSL_VERSION:
            return rest[3 : 3 + length][:16].decode("ascii", "replace")
        rest = rest[3 + length :]
    return "yes"
