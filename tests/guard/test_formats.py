"""In which form an answer is read best."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.guard.formats import MAX_HEADER, Format, format_for

CASES = [
    (b"", Format.TEXT),
    (b"*/*", Format.TEXT),
    (b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Format.HTML),
    (b"TEXT/HTML", Format.HTML),
    (b"application/json", Format.JSON),
    (b"application/problem+json", Format.JSON),
    (b"application/ld+json", Format.JSON),
    (b"application/json, text/html;q=0.9", Format.JSON),
    (b"application/json;q=0.5, text/html;q=0.9", Format.HTML),
    (b"text/html;q=0", Format.TEXT),
    (b"text/html;level=1", Format.HTML),
    (b"image/avif,image/webp,*/*", Format.TEXT),
    (b"application/rss+xml", Format.TEXT),
    (b"text/plain, text/html;q=0.3", Format.TEXT),
    (b"text/html" + b" " * MAX_HEADER, Format.TEXT),
]


@pytest.mark.parametrize(("accept", "form"), CASES)
def test_the_best_liked_form_is_taken(accept: bytes, form: Format) -> None:
    """Browsers get a page, programs a problem, everybody else plain text."""
    assert format_for(accept) is form


@given(st.binary(max_size=MAX_HEADER * 2))
def test_no_header_is_too_odd(accept: bytes) -> None:
    """Whatever is sent finds a form."""
    assert format_for(accept) in Format
