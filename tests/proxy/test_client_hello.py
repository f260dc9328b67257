"""The ClientHello, as OpenSSL says it and as nobody should."""

from __future__ import annotations

import ssl

import pytest

from shieldproxy.proxy.client_hello import MAX_HELLO, ClientHello, Unfinished, read_hello
from tests.proxy.hellos import (
    CHROME_CIPHERS,
    CHROME_EXTENSIONS,
    CHROME_SIGNATURES,
    PYTHON,
    message,
    records,
    said_by,
    with_length,
)


def test_everything_that_is_offered_is_read_in_its_order() -> None:
    """Versions, ciphers, extensions, name, protocols and signatures, with GREASE where it stood."""
    assert read_hello(records(message())) == ClientHello(
        0x0303,
        CHROME_CIPHERS,
        CHROME_EXTENSIONS,
        "www.example.org",
        (b"h2", b"http/1.1"),
        CHROME_SIGNATURES,
        (0x0A0A, 0x0304, 0x0303),
    )


def test_what_openssl_says_is_read() -> None:
    """The name, the protocols, and as many ciphers as its context has besides the word against renegotiation."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    found = read_hello(said_by(context, "Www.Example.org"))
    assert isinstance(found, ClientHello)
    assert (found.name, found.protocols, found.versions) == (
        "www.example.org",
        (b"h2", b"http/1.1"),
        (0x0304, 0x0303),
    )
    assert {cipher["id"] & 0xFFFF for cipher in context.get_ciphers()} == {*found.ciphers} - {0x00FF}


@pytest.mark.parametrize("size", [1, 2, 5, 300])
def test_a_hello_may_come_in_many_records(size: int) -> None:
    """However it is cut into records, it is the same hello, and bytes behind it are not looked at."""
    whole = read_hello(records(message()))
    assert read_hello(records(message(), size) + b"\x14\x03\x03\x00\x01\x01 and more") == whole


def test_what_is_not_there_yet_is_waited_for() -> None:
    """Each prefix says how many bytes have to be there first, never more than come, and in the end it is read."""
    data = records(message(), 200)
    for end in range(len(data)):
        found = read_hello(data[:end])
        assert isinstance(found, Unfinished)
        assert end < found.wanted <= len(data)
    at, looks = 0, 0
    while isinstance(found := read_hello(data[:at]), Unfinished):
        at, looks = found.wanted, looks + 1
    assert looks == 2 * -(-len(message()) // 200)  # each record's header, and each record


def test_a_program_without_extensions_is_read() -> None:
    """As TLS 1.2 allows: no name, no protocols."""
    assert read_hello(records(message(extensions=()))) == ClientHello(0x0303, CHROME_CIPHERS)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (b"www.example.org.", "www.example.org"),
        (b"XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        (b"_dmarc.example", "_dmarc.example"),
        (b"a" * 64 + b".example", ""),
        (b"a." * 127 + b"example", ""),
        (b"www\x00.example.org", ""),
        (b"www.example.org\r\nX: y", ""),
        (b"\xff\xfe", ""),
        (b"..", ""),
        (b"", ""),
    ],
)
def test_only_what_can_be_a_host_is_a_name(name: bytes, found: str) -> None:
    """Names are lower-case and without a last dot; anything else asks for nobody."""
    hello = read_hello(records(message(name=name)))
    assert isinstance(hello, ClientHello)
    assert hello.name == found


def test_a_name_of_another_kind_is_none() -> None:
    """Only host names are asked for."""
    whole = message(extensions=(0,))
    assert read_hello(records(whole.replace(b"\x00\x12\x00\x00\x0fwww", b"\x00\x12\x01\x00\x0fwww"))) == ClientHello(
        0x0303, CHROME_CIPHERS, (0,)
    )


BODY = message()[4:]
WRONG = {
    "clear text": b"GET / HTTP/1.1\r\nHost: s\r\n\r\n",
    "SSL 2": b"\x80\x2e\x01\x03\x01",
    "an alert": b"\x15\x03\x01\x00\x02\x02\x28",
    "a version from nowhere": b"\x16\x02\x01\x00\x05",
    "an empty record": b"\x16\x03\x01\x00\x00",
    "a record too long": b"\x16\x03\x01\x40\x01",
    "a ServerHello": records(b"\x02" + message()[1:]),
    "a hello too long": b"\x16\x03\x01\x10\x00\x01\x00\x40\x00" + bytes(4_092),
    "a hello cut short": records(b"\x01" + with_length(BODY[:20], 3)),
    "extensions cut short": records(b"\x01" + with_length(BODY[:-1], 3)),
    "bytes behind it": records(b"\x01" + with_length(BODY + b"\x00", 3)),
    "half a cipher": records(
        message(ciphers=()).replace(b"\x20" + bytes(32) + b"\0\0", b"\x20" + bytes(32) + b"\0\1x")
    ),
    "versions longer than they are": records(message().replace(b"\x06\x0a\x0a\x03\x04", b"\x07\x0a\x0a\x03\x04")),
    "bytes behind versions": records(message().replace(b"\x06\x0a\x0a\x03\x04", b"\x04\x0a\x0a\x03\x04")),
    "a protocol longer than its list": records(message().replace(b"\x08http/1.1", b"\x09http/1.1")),
    "too many small records": records(message(protocols=[b"a" * 200] * 40), 1)[:17_000],
}


@pytest.mark.parametrize("data", WRONG.values(), ids=WRONG.keys())
def test_what_is_no_hello_is_an_error(data: bytes) -> None:
    """Nothing of it is guessed."""
    with pytest.raises(ValueError, match=r"TLS|ClientHello"):
        read_hello(data)


def test_nothing_is_waited_for_beyond_16_kib() -> None:
    """Records without an end are an error, not a wait."""
    endless = b"\x16\x03\x01\x00\x40" + b"\x01\x00\x3f\xf0" + bytes(60) + (b"\x16\x03\x01\x00\x40" + bytes(64)) * 400
    for end in range(0, len(endless), 97):
        try:
            found = read_hello(endless[:end])
        except ValueError:
            assert end >= MAX_HELLO
        else:
            assert isinstance(found, ClientHello | Unfinished)
            if isinstance(found, Unfinished):
                assert found.wanted <= 2 * MAX_HELLO + 5


def test_a_real_program_is_read() -> None:
    """Python's own hello, byte for byte as it was sent."""
    found = read_hello(PYTHON)
    assert isinstance(found, ClientHello)
    assert (len(found.ciphers), len(found.extensions), found.name, found.protocols) == (18, 10, "", ())
