"""Returns: where a visitor goes after a challenge. Never to another site (open redirect, CWE-601)."""

from __future__ import annotations

import re
from urllib.parse import quote

from shieldproxy.core.facts import Request

# Longer targets are no link anybody follows; they would not fit our own form twice encoded.
MAX_TARGET = 2_048
# One slash, then neither a second one nor a backslash, which browsers read as one (WHATWG URL, "special authority").
# Printable ASCII only: a tab or a line end inside would be dropped by browsers and could uncover a second slash.
LOCAL = re.compile(r"/(?![/\\])[!-\[\]-~]*")
HOME = "/"


def target_of(request: Request) -> str:
    """Return path and query of ``request`` as a browser would send them again, or "/" when that is not safe."""
    target = f"{request.path}?{request.query}" if request.query else request.path
    if not target.isascii():
        # Bytes of the wire, read as Latin-1: written as the percent-encoding the browser should have used.
        target = quote(target.encode("latin-1", "replace"), safe="!#$%&'()*+,/:;=?@[]~")
    return safe_target(target)


def safe_target(target: str, own_path: str = "") -> str:
    """Return ``target`` when it leads to a page of this site, else "/".

    A target below ``own_path`` (without a slash at its end) leads nowhere a visitor wants to be.
    """
    if len(target) > MAX_TARGET or LOCAL.fullmatch(target) is None:
        return HOME
    if own_path and (target == own_path or target.startswith(own_path + "/")):
        return HOME
    return target
