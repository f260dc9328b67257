"""Which language a visitor reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.guard.languages import MAX_HEADER, preferred

OURS = ("en", "de", "fr", "pt", "ar")

CASES = [
    (b"", "en"),
    (b"de", "de"),
    (b"DE-ch", "de"),
    (b"de-CH,de;q=0.8,fr-CH;q=0.6,en;q=0.4", "de"),
    (b"fr;q=0.5, de;q=0.9", "de"),
    (b"fr;q=0.9,de;q=0.9", "fr"),
    (b"xx,yy;q=0.9,ar;q=0.1", "ar"),
    (b"pt-BR", "pt"),
    (b"zh-Hant-TW", "en"),
    # Beginnings go subtag by subtag: "det" is not German.
    (b"det, enx", "en"),
    (b"*", "en"),
    (b"und", "en"),
    (b"und;q=1, fr;q=0.1", "fr"),
    (b"*;q=0.5, de;q=0.4", "en"),
    (b"de;q=0, fr;q=0.1", "fr"),
    (b"de;q=0", "en"),
    (b"de;q=2", "en"),
    (b"de;q=nan, fr;q=0.2", "fr"),
    (b"de;q=-1", "en"),
    (b"de;q=1e9", "en"),
    (b"de; q = 0.7 , fr;q=0.8", "fr"),
    (b"de;level=1, fr;q=0.3", "fr"),
    (b",,;;,=,-,--", "en"),
    (b"\xff\xfe\x00", "en"),
    (b"-de", "en"),
    (b"de" * MAX_HEADER, "en"),
]


@pytest.mark.parametrize(("header", "language"), CASES)
def test_the_best_liked_language_of_ours_is_taken(header: bytes, language: str) -> None:
    """Weights, ranges, ``*``, ``und`` and garbage are read as RFC 9110 and RFC 4647 say."""
    assert preferred(header, OURS, "en") == language


@given(st.binary(max_size=MAX_HEADER * 2))
def test_no_header_is_too_odd(header: bytes) -> None:
    """Whatever is sent finds a language of ours."""
    assert preferred(header, OURS, "en") in OURS
