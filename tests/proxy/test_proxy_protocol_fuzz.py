"""The PROXY protocol against mutated bytes: an announcement, a wish for more, or a ValueError; nothing else."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.proxy.proxy_protocol import MAX_V1, MAX_V2, SIGNATURE, Announcement, read_announcement
from tests.proxy.hostile_bytes import search

pytestmark = pytest.mark.fuzz

WORDS = (
    b"TCP4",
    b"TCP6",
    b"UNKNOWN",
    b"192.0.2.1",
    b"2001:db8::1",
    b"::ffff:192.0.2.1",
    b"fe80::1%eth0",
    b"65535",
    b"65536",
    b"-1",
    b"0",
    b"",
    b"\xff",
)


@st.composite
def first_versions(draw: st.DrawFn) -> bytes:
    """Return a line that is nearly one."""
    words = [b"PROXY", *draw(st.lists(st.sampled_from(WORDS), max_size=7))]
    end = draw(st.sampled_from((b"\r\n", b"\r\n", b"\n", b"\r", b"")))
    return draw(st.sampled_from((b" ", b" ", b"  ", b"\t"))).join(words) + end + draw(st.binary(max_size=20))


@st.composite
def second_versions(draw: st.DrawFn) -> bytes:
    """Return a header that is nearly one."""
    block = draw(st.binary(max_size=60))
    for _ in range(draw(st.integers(0, 3))):
        value = draw(st.binary(max_size=30))
        length = draw(st.sampled_from((len(value), len(value), len(value) + 1, 0, 65_535)))
        block += struct.pack("!BH", draw(st.sampled_from((0x01, 0x20, 0x21, 0xE1))), length) + value
    command, family = (
        draw(st.sampled_from((0x20, 0x21, 0x21, 0x11, 0x2F))),
        draw(st.sampled_from((0, 0x11, 0x21, 0x31, 0x12))),
    )
    length = draw(st.sampled_from((len(block), len(block), len(block) + 5, 0, 65_535)))
    return SIGNATURE + struct.pack("!BBH", command, family, length) + block + draw(st.binary(max_size=20))


def outcome(data: bytes) -> Announcement | str | None:
    try:
        return read_announcement(data)
    except ValueError:
        return "refused"


def test_an_announcement_is_read_the_same_from_any_prefix() -> None:
    """A prefix is waited for or judged as the whole is; what was read has its size; what is waited for is bounded."""

    @given(st.one_of(first_versions(), second_versions(), st.binary(max_size=80)))
    def promise(data: bytes) -> None:
        found = outcome(data)
        if found is None:
            assert len(data) < max(MAX_V1, MAX_V2)
        if isinstance(found, Announcement):
            assert 0 < found.size <= len(data)
            assert outcome(data[: found.size]) == found
            assert outcome(data[: found.size - 1]) is None
        for end in range(len(data)):
            part = outcome(data[:end])
            assert part is None or part == found

    search(promise, 300)


def test_what_is_waited_for_ends() -> None:
    """Whatever bytes follow, an announcement is read or refused within 2 KiB and a header."""

    @given(st.one_of(first_versions(), second_versions()), st.binary(min_size=1, max_size=4))
    def promise(data: bytes, filler: bytes) -> None:
        with contextlib.suppress(ValueError):
            assert read_announcement(data + filler * (MAX_V2 + MAX_V1)) is not None

    search(promise, 100)
