"""Formats: in which of three forms an answer of ours is read best, by Accept (RFC 9110, 12.5.1)."""

from __future__ import annotations

from enum import Enum

from shieldproxy.guard.languages import read_quality

# Browsers name fewer than ten types; what a longer list says after these is not read.
MAX_TYPES = 24
# A header longer than this is no browser's; it is answered in plain text.
MAX_HEADER = 512


class Format(Enum):
    """A form of an answer; its value is the Content-Type."""

    HTML = b"text/html; charset=utf-8"
    JSON = b"application/problem+json"
    TEXT = b"text/plain; charset=utf-8"


FORMATS = {
    "text/html": Format.HTML,
    "application/xhtml+xml": Format.HTML,
    "application/problem+json": Format.JSON,
    "application/json": Format.JSON,
    "text/json": Format.JSON,
    "text/plain": Format.TEXT,
}


def format_for(accept: bytes) -> Format:
    """Return the form that ``accept`` likes best. Never raises.

    Who would take anything (``*/*``, no header) gets plain text: that is curl, a feed reader, an <img>; browsers name
    text/html for what they put before a person.
    """
    if not accept or len(accept) > MAX_HEADER:
        return Format.TEXT
    best, best_quality = Format.TEXT, 0.0
    for item in accept.decode("latin-1").lower().split(",", MAX_TYPES)[:MAX_TYPES]:
        name, *parameters = (part.strip() for part in item.split(";"))
        found = FORMATS.get(name) or (Format.JSON if name.endswith("+json") else None)
        if found is None:
            continue
        weights = [read_quality(part) for part in parameters if part.startswith("q")]
        quality = weights[0] if weights else 1.0
        if quality > best_quality:
            best, best_quality = found, quality
    return best
