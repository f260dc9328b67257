"""The ClientHello against mutated bytes: a hello, a wish for more, or a ValueError; nothing else, and always an end."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.proxy.client_hello import MAX_HELLO, ClientHello, Unfinished, read_hello
from shieldproxy.proxy.ja4 import ja4
from tests.proxy.hellos import PYTHON, message, records
from tests.proxy.hostile_bytes import search

pytestmark = pytest.mark.fuzz

JA4 = re.compile(r"t(?:1[0-3]|s[23]|00)[di]\d{4}[0-9A-Za-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}")
numbers = st.lists(st.one_of(st.integers(0, 65_535), st.sampled_from((0, 13, 16, 43, 0x0A0A, 0xFAFA))), max_size=120)


@st.composite
def hellos(draw: st.DrawFn) -> bytes:
    """Return a hello of any content, in records of any size."""
    made = message(
        version=draw(st.integers(0, 65_535)),
        ciphers=draw(numbers),
        extensions=draw(numbers),
        name=draw(st.binary(max_size=300)),
        protocols=draw(st.lists(st.binary(max_size=255), max_size=5)),
        signatures=draw(numbers),
        versions=draw(numbers),
    )
    return records(made, draw(st.sampled_from((16_384, 16_384, 7, 100, 1_000))))


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """Return a hello with some bytes changed, left out or doubled, or cut short."""
    data = bytearray(draw(st.one_of(hellos(), st.just(PYTHON))))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        kind = draw(st.integers(0, 2))
        if kind == 0:
            data[at : at + 1] = draw(st.binary(min_size=1, max_size=2))
        elif kind == 1:
            del data[at : at + draw(st.integers(1, 5))]
        else:
            data[at:at] = data[max(0, at - draw(st.integers(1, 30))) : at]
    return bytes(data)


def outcome(data: bytes) -> ClientHello | Unfinished | str:
    try:
        return read_hello(data)
    except ValueError:
        return "refused"


def test_a_hello_is_read_the_same_from_any_prefix() -> None:
    """A prefix is waited for, for a bounded number of bytes, or judged as the whole is; what was read has a JA4."""

    @given(st.one_of(hellos(), spoilt(), st.binary(max_size=80)))
    def promise(data: bytes) -> None:
        found = outcome(data)
        if isinstance(found, ClientHello):
            assert JA4.fullmatch(ja4(found))
            assert found.name == found.name.lower()
            assert re.fullmatch(r"[a-z0-9._-]*", found.name)
        for end in range(0, len(data), max(1, len(data) // 50)):
            part = outcome(data[:end])
            if isinstance(part, Unfinished):
                assert end < part.wanted <= 2 * MAX_HELLO + 5
            else:
                assert part == found

    search(promise, 300)


def test_what_is_waited_for_ends() -> None:
    """Whatever bytes follow, a hello is read or refused within two records."""

    @given(st.one_of(hellos(), spoilt()), st.binary(min_size=1, max_size=4))
    def promise(data: bytes, filler: bytes) -> None:
        assert not isinstance(outcome(data + filler * (3 * MAX_HELLO)), Unfinished)

    search(promise, 100)
