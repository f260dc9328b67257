"""Paths as servers read them: two spellings of one place must not get two answers from a rule.

``/public/../login``, ``/%6Cogin`` and ``//login`` all reach ``/login`` behind most servers. A rule, a limit or an
exemption that is matched against the spelling on the wire is walked around; so patterns are matched against this.
"""

from __future__ import annotations

import binascii
import re

STRAY_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def plain_path(path: str) -> str:
    """Return where ``path`` leads: percent-encoding undone once, slashes merged, dot segments removed. Never raises.

    RFC 3986, 5.2.4 and 6.2.2, and what servers do beyond it: a backslash is a slash, an encoded slash too, and
    path parameters do not hide a dot segment (``/..;a=b/``). What decodes to UTF-8 is text; other bytes stay
    Latin-1. What reaches the origin is never this, only the path of the wire.
    """
    # Nearly every path of a browser is plain already; five looks are a third of the cost of one regular expression.
    if path.isascii() and "%" not in path and "//" not in path and "/." not in path and "\\" not in path:
        return path
    segments = unescape(path).replace("\\", "/").split("/")
    kept: list[str] = []
    name = ""
    for segment in segments:
        name = segment.partition(";")[0]
        if name == "..":
            del kept[-1:]
        elif segment and name != ".":
            kept.append(segment)
    folder = not segments[-1] or name in {".", ".."}
    return "/" + "/".join(kept) + ("/" if folder and kept else "")


def unescape(path: str) -> str:
    """Return ``path`` with percent-encoding undone once; a percent sign before anything but two digits stays."""
    try:
        data = path.encode("latin-1")
    except UnicodeEncodeError:
        data = path.encode("utf-8", "surrogatepass")
    if b"%" in data:
        # Quoted-printable (RFC 2045, 6.7) is percent-encoding with another letter, and the standard library decodes
        # it in C: a hostile path of 8 KiB costs microseconds, not milliseconds.
        data = STRAY_PERCENT.sub(b"%25", data).replace(b"=", b"=3D").replace(b"%", b"=")
        data = binascii.a2b_qp(data)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
