"""JA4 against the values that FoxIO publishes, and against what OpenSSL says of its own hellos."""

from __future__ import annotations

import pytest

from shieldproxy.proxy.client_hello import ClientHello, read_hello
from shieldproxy.proxy.ja4 import ja4
from tests.proxy.hellos import CHROME_CIPHERS, CHROME_EXTENSIONS, PYTHON, message, records

CHROME = "t13d1516h2_8daaf6152771_e5627efa2ab1"


def of(**changes: object) -> str:
    """Return the JA4 of the example's hello, changed."""
    found = read_hello(records(message(**changes)))  # type: ignore[arg-type]
    assert isinstance(found, ClientHello)
    return ja4(found)


def test_the_example_of_the_description_is_reproduced() -> None:
    """From bytes of the wire, with all GREASE in them, to the value that the description gives."""
    assert of() == CHROME


def test_pythons_value_in_foxios_list_is_reproduced() -> None:
    """Of a hello that was really sent."""
    found = read_hello(PYTHON)
    assert isinstance(found, ClientHello)
    assert ja4(found) == "t13i181000_85036bcba153_d41ae481755e"


def test_the_order_of_ciphers_and_extensions_says_nothing() -> None:
    """Browsers shuffle them; signature algorithms keep their order."""
    assert of(ciphers=CHROME_CIPHERS[::-1], extensions=CHROME_EXTENSIONS[::-1]) == CHROME
    assert of(signatures=(0x0804, 0x0403, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)) != CHROME


def test_no_signature_algorithms_leave_no_underscore() -> None:
    """The value of the description for the same extensions without them; GREASE among them counts as none."""
    assert of(signatures=(0x1A1A,)).endswith("_6d807ffa2a79")


def test_nothing_is_told_by_zeros() -> None:
    """No ciphers, no extensions, or none but name and protocol."""
    assert of(ciphers=(), extensions=()) == "t12i000000_000000000000_000000000000"
    assert of(extensions=(0x0000, 0x0010)) == "t12d1502h2_8daaf6152771_000000000000"


def test_there_are_at_most_99_of_anything() -> None:
    """Numbers have two digits."""
    assert of(ciphers=range(200), extensions=(*range(44, 200),)).startswith("t12i999900_")


@pytest.mark.parametrize(
    ("versions", "written"),
    [
        ((0x0303, 0x0304, 0xFAFA), "13"),
        ((0x0303, 0x0302), "12"),
        ((0x0302,), "11"),
        ((0x0301,), "10"),
        ((0x0300,), "s3"),
        ((0x7F1C,), "00"),
        ((), "12"),
        ((0x1A1A,), "12"),
    ],
)
def test_the_highest_version_counts(versions: tuple[int, ...], written: str) -> None:
    """That of the extension, without GREASE; without it that of the message."""
    assert of(versions=versions)[1:3] == written


@pytest.mark.parametrize(
    ("protocol", "written"),
    [
        (b"h2", "h2"),
        (b"http/1.1", "h1"),
        (b"h", "hh"),
        (b"", "00"),
        (b"\xab", "ab"),
        (b"\xab\xcd", "ad"),
        (b"0\xab", "3b"),
        (b"01\xab\xcd", "3d"),
        (b"0\xab\xcd1", "01"),
        (b"-a", "21"),
    ],
)
def test_the_first_protocol_is_told_by_its_ends(protocol: bytes, written: str) -> None:
    """As the description's table has it, for what is no letter and no digit too."""
    assert of(protocols=(protocol, b"h2"))[8:10] == written


def test_no_protocols_are_told_by_zeros() -> None:
    """No ALPN, or an empty list."""
    assert of(protocols=())[8:10] == "00"
    assert of(extensions=(0x0000, 0x000A))[8:10] == "00"
