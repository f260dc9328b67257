from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.printing import printable


@given(st.text(st.characters()))
def test_whatever_comes_in_prints_on_one_line(text: str) -> None:
    """No control, separator, direction mark, invisible character or lone surrogate comes out."""
    out = printable(text)
    assert len(out.splitlines()) <= 1
    assert not any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in out)
    out.encode()


@given(st.text(st.characters(categories=["L", "N", "P", "S"], include_characters=" ")))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    """Letters of any script, digits, signs and spaces are not touched."""
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("a\nb\r\tc", r"a\x0ab\x0d\x09c"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\u2028x\u200b", r"\u2028x\u200b"),
        ("\udc80", r"\udc80"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_hostile_characters_are_shown_by_their_number(text: str, shown: str) -> None:
    """An operator sees what was sent, and the terminal does not obey it."""
    assert printable(text) == shown
