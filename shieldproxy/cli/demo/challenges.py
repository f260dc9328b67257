"""Challenges as a browser meets them: what the page carries, and how it is answered, with and without a script."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

_PUZZLE = re.compile(rb'<script[^>]*\bid="?puzzle"?[^>]*\bdata-own="?([^">\s]+)"?[^>]*>(.*?)</script>', re.DOTALL)
_FORM = re.compile(rb'<form[^>]*\baction="?([^">\s]+)"?[^>]*>(.*?)</form>', re.DOTALL)
_FIELD = re.compile(rb'<input[^>]*\bname="?([^">\s]+)"?[^>]*\bvalue="?([^">]*)"?')


class Work(NamedTuple):
    """The puzzle of a challenge page, and the path below which it is answered."""

    own: str
    puzzle: dict[str, Any]


class Form(NamedTuple):
    """The form of a challenge page: where it goes, and its fields."""

    action: str
    fields: dict[str, str]

    @property
    def body(self) -> bytes:
        """The form as a browser sends it."""
        return urlencode(self.fields).encode("ascii")


def is_challenge(status: int, body: bytes) -> bool:
    """Tell whether an answer is a challenge page."""
    return status == 503 and (_PUZZLE.search(body) is not None or b'name="token"' in body)


def work_of(page: bytes) -> Work | None:
    """Return the puzzle of a challenge page, None when it has none."""
    found = _PUZZLE.search(page)
    if found is None:
        return None
    try:
        return Work(found[1].decode(), json.loads(found[2]))
    except ValueError:
        return None


def form_of(page: bytes) -> Form | None:
    """Return the form of a challenge page, None when it has none."""
    found = _FORM.search(page)
    if found is None:
        return None
    fields = {name.decode(): html.unescape(value.decode()) for name, value in _FIELD.findall(found[2])}
    return Form(html.unescape(found[1].decode()), fields)


def answer(puzzle: Mapping[str, Any], counter: int) -> bytes:
    """Return what the page's script sends when it has found ``counter``."""
    document = {"challenge": puzzle, "solution": {"counter": counter}}
    return base64.b64encode(json.dumps(document, separators=(",", ":")).encode())


def cookie_of(set_cookie: str) -> str:
    """Return the pair that a browser sends back for a Set-Cookie field, '' for none."""
    return set_cookie.partition(";")[0].strip()
