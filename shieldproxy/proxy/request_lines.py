"""Request lines: as they came, before the parser made something of them."""

from __future__ import annotations

import re

NON_ASCII = re.compile(rb"[\x80-\xff]")
ENDS = b"\r\n"


def escape_line(data: bytes, *, begun: bool) -> bytes:
    """Return ``data`` with the bytes over 0x7F of the request line at its start percent-encoded.

    llhttp refuses them in a target; old browsers and hand-made links send them. ``begun``: the line began in earlier
    data, else line ends may stand before it (RFC 9112, 2.2).
    """
    start = 0 if begun else len(data) - len(data.lstrip(ENDS))
    end = data.find(b"\n", start)
    line = data[start:end] if end >= 0 else data[start:]
    if line.isascii():
        return data
    return data[:start] + NON_ASCII.sub(lambda match: b"%%%02X" % match[0][0], line) + data[start + len(line) :]


def spelled_target(raw: bytes) -> bytes:
    """Return the target in the first line of ``raw`` as it was spelled; b'' when the line has not three words."""
    words = raw.lstrip(ENDS).partition(ENDS)[0].split(b" ")
    return words[1] if len(words) == 3 else b""


def line_complete(raw: bytes) -> bool:
    """Tell whether the first line of ``raw`` has ended."""
    return b"\n" in raw.lstrip(ENDS)


def find_line(raw: bytes, start: int, method: bytes, target: bytes, version: str) -> int:
    """Return where the request line of these three words ends in ``raw``; -1 when it is not there.

    At ``start`` 0 it must be the first line, else it may stand anywhere behind. llhttp takes several spaces for one
    and the names of other protocols for HTTP; a parser before us that does not would see another request.
    """
    line = b"%b %b HTTP/%b\r\n" % (method, target, version.encode())
    if start == 0:
        return len(line) if raw.lstrip(ENDS).startswith(line) else -1
    at = raw.find(line, start)
    return at + len(line) if at >= 0 else -1
