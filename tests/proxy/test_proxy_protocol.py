"""The PROXY protocol: both versions, in pieces, broken, and never an exception but ValueError."""

from __future__ import annotations

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.proxy.proxy_protocol import MAX_V2, SIGNATURE, Announcement, read_announcement

V1 = b"PROXY TCP4 192.0.2.9 198.51.100.1 4711 443\r\n"


def v2(command: int = 0x21, family: int = 0x11, block: bytes | None = None, tlvs: bytes = b"") -> bytes:
    if block is None:
        block = bytes([192, 0, 2, 9, 198, 51, 100, 1]) + struct.pack("!HH", 4711, 443)
    return SIGNATURE + struct.pack("!BBH", command, family, len(block) + len(tlvs)) + block + tlvs


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack("!BH", kind, len(value)) + value


V6 = ipaddress.ip_address("2001:db8::9").packed + ipaddress.ip_address("2001:db8::1").packed + struct.pack("!HH", 1, 2)
TLS = tlv(0x20, b"\x01\x00\x00\x00\x00" + tlv(0x21, b"TLSv1.3"))

GOOD = [
    ("v1 over IPv4", V1, Announcement(len(V1), "192.0.2.9", 4711, "198.51.100.1", 443)),
    (
        "v1 over IPv6",
        b"PROXY TCP6 2001:db8::9 2001:db8::1 1 2\r\n",
        Announcement(40, "2001:db8::9", 1, "2001:db8::1", 2),
    ),
    ("v1 unknown", b"PROXY UNKNOWN\r\n", Announcement(15)),
    ("v1 unknown with addresses", b"PROXY UNKNOWN a b c d\r\n", Announcement(23)),
    ("v2 over IPv4", v2(), Announcement(28, "192.0.2.9", 4711, "198.51.100.1", 443)),
    ("v2 over IPv6", v2(family=0x21, block=V6), Announcement(52, "2001:db8::9", 1, "2001:db8::1", 2)),
    ("v2 local", v2(command=0x20, family=0, block=b""), Announcement(16)),
    ("v2 over a unix socket", v2(family=0x31, block=b"\0" * 216), Announcement(232)),
    (
        "v2 with TLS and JA4",
        v2(tlvs=TLS + tlv(0xE1, b"t13d1516h2_8daaf6152771_b186095e22b6")),
        Announcement(
            28 + 18 + 39, "192.0.2.9", 4711, "198.51.100.1", 443, "TLSv1.3", "t13d1516h2_8daaf6152771_b186095e22b6"
        ),
    ),
    (
        "v2 with TLS of no version",
        v2(tlvs=tlv(0x20, b"\x01\0\0\0\0")),
        Announcement(36, "192.0.2.9", 4711, "198.51.100.1", 443, "yes"),
    ),
]


@pytest.mark.parametrize(("what", "data", "said"), GOOD, ids=[row[0] for row in GOOD])
def test_an_announcement_is_read_whole_and_in_pieces(what: str, data: bytes, said: Announcement) -> None:
    """Every prefix asks for more; the whole is read; what follows is left alone."""
    assert what
    for cut in range(len(data)):
        assert read_announcement(data[:cut]) is None
    assert read_announcement(data) == said
    assert read_announcement(data + b"GET / HTTP/1.1\r\n") == said


BAD = [
    ("no announcement", b"GET / HTTP/1.1\r\n"),
    ("a line without end", b"PROXY TCP4 " + b"1" * 120),
    ("too few words", b"PROXY TCP4 192.0.2.9\r\n"),
    ("a family of no kind", b"PROXY UDP4 192.0.2.9 198.51.100.1 1 2\r\n"),
    ("an address of the other family", b"PROXY TCP4 2001:db8::1 198.51.100.1 1 2\r\n"),
    ("no address", b"PROXY TCP4 example.org 198.51.100.1 1 2\r\n"),
    ("a port beyond all", b"PROXY TCP4 192.0.2.9 198.51.100.1 70000 2\r\n"),
    ("a signed port", b"PROXY TCP4 192.0.2.9 198.51.100.1 +1 2\r\n"),
    ("v2 of version 3", v2(command=0x31)),
    ("v2 of an unknown command", v2(command=0x22)),
    ("v2 shorter than its addresses", v2(block=b"\0" * 4)),
    ("v2 that ends within a TLV", v2(tlvs=b"\x20\x00\xff")),
    ("v2 longer than any", SIGNATURE + struct.pack("!BBH", 0x21, 0x11, MAX_V2)),
]


@pytest.mark.parametrize(("what", "data"), BAD, ids=[row[0] for row in BAD])
def test_a_broken_announcement_is_no_announcement(what: str, data: bytes) -> None:
    """Nothing is guessed: the connection has no client, so it is closed."""
    assert what
    with pytest.raises(ValueError, match=r"."):
        read_announcement(data)


@given(
    st.one_of(
        st.binary(max_size=300),
        st.binary(max_size=100).map(lambda rest: SIGNATURE + rest),
        st.binary(max_size=110).map(lambda rest: b"PROXY TCP4 " + rest),
    )
)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Whatever comes is an announcement, a wish for more, or a ValueError."""
    try:
        said = read_announcement(data)
    except ValueError:
        return
    assert said is None or said.size <= len(data)
