"""ClientHellos: some of real programs, and ones made to order."""

from __future__ import annotations

import ssl
import struct
from collections.abc import Sequence

# Python 3.11 with OpenSSL 3.0 and its default context, without a name: FoxIO lists it as
# t13i181000_85036bcba153_d41ae481755e (ja4plus-mapping.csv, "Python").
PYTHON = bytes.fromhex(
    "1603010200010001fc0303b6f010a25c3af69d98137d405aa25d56e8e959a9c9500eafc239b1cf773c3c0020534a79f99192f973a62c53c00b"
    "f25c781b713ffaf7c5367c03034e50e91cf17f0024130213031301c02cc030c02bc02fcca9cca8c024c028c023c027009f009e006b006700ff"
    "0100018f000b000403000102000a00160014001d0017001e0019001801000101010201030104002300000016000000170000000d002a002804"
    "0305030603080708080809080a080b080408050806040105010601030303010302040205020602002b00050403040303002d00020101003300"
    "260024001d00204aaa2c431f2863b01c88714d376c140d8d9771621e4358c36ec8b5a78f7cc733001500f6"
) + bytes(246)

# The example of the description of JA4: a Chrome of 2023, with the GREASE that it sends besides.
CHROME_CIPHERS = (
    0x3A3A, 0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC013, 0xC014, 0x009C, 0x009D, 0x002F, 0x0035,
)  # fmt: skip
CHROME_EXTENSIONS = (
    0xDADA, 0x001B, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002D, 0x000D, 0x0005, 0x0023, 0x0012, 0x002B, 0xFF01, 0x000B, 0x000A, 0x1A1A, 0x0015,
)  # fmt: skip
CHROME_SIGNATURES = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)


def with_length(data: bytes, width: int) -> bytes:
    """Return ``data`` behind its length."""
    return len(data).to_bytes(width) + data


def listed(values: Sequence[int]) -> bytes:
    """Return 16-bit numbers."""
    return struct.pack(f"!{len(values)}H", *values)


def message(
    *,
    version: int = 0x0303,
    ciphers: Sequence[int] = CHROME_CIPHERS,
    extensions: Sequence[int] = CHROME_EXTENSIONS,
    name: bytes = b"www.example.org",
    protocols: Sequence[bytes] = (b"h2", b"http/1.1"),
    signatures: Sequence[int] = CHROME_SIGNATURES,
    versions: Sequence[int] = (0x0A0A, 0x0304, 0x0303),
) -> bytes:
    """Return a hello as a handshake message; extensions of which nothing is asked hold three bytes of nothing."""
    values = {
        0x0000: with_length(b"\x00" + with_length(name, 2), 2),
        0x000D: with_length(listed(signatures), 2),
        0x0010: with_length(b"".join(with_length(protocol, 1) for protocol in protocols), 2),
        0x002B: with_length(listed(versions), 1),
    }
    block = b"".join(listed([kind]) + with_length(values.get(kind, b"\x00\x00\x00"), 2) for kind in extensions)
    body = (
        listed([version])
        + bytes(32)
        + with_length(bytes(32), 1)
        + with_length(listed(ciphers), 2)
        + with_length(b"\x00", 1)
        + (with_length(block, 2) if extensions else b"")
    )
    return b"\x01" + with_length(body, 3)


def records(handshake: bytes, size: int = 16_384) -> bytes:
    """Return a handshake message in records of ``size`` bytes each."""
    pieces = [handshake[at : at + size] for at in range(0, len(handshake), size)]
    return b"".join(b"\x16\x03\x01" + with_length(piece, 2) for piece in pieces)


def said_by(context: ssl.SSLContext, name: str | None = None) -> bytes:
    """Return the hello of OpenSSL under ``context``."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError("a handshake without a server")
