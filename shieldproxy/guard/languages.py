"""Languages: which of ours a visitor reads best, by Accept-Language (RFC 9110, 12.5.4; lookup of RFC 4647, 3.4)."""

from __future__ import annotations

from collections.abc import Collection

# Browsers send fewer than a dozen ranges; what a longer list says after these is not read.
MAX_RANGES = 24
# A header longer than this is no browser's; it is answered in the fallback.
MAX_HEADER = 512


def preferred(header: bytes, available: Collection[str], fallback: str) -> str:
    """Return the tag in ``available`` that ``header`` likes best, or ``fallback``. Never raises.

    ``de-CH`` finds ``de``. ``*`` and an empty header take the fallback; ``und``, unknown tags and what is no
    language range at all are passed over; ``q=0`` refuses a language.
    """
    if not header or len(header) > MAX_HEADER:
        return fallback
    best, best_quality = fallback, 0.0
    for item in header.decode("latin-1").split(",", MAX_RANGES)[:MAX_RANGES]:
        tag, _, parameters = item.partition(";")
        quality = read_quality(parameters)
        if quality <= best_quality:
            continue
        found = look_up(tag.strip().lower(), available, fallback)
        if found:
            best, best_quality = found, quality
    return best


def look_up(tag: str, available: Collection[str], fallback: str) -> str:
    """Return the longest beginning of ``tag``, subtag by subtag, that is available; '' when there is none."""
    if tag == "*":
        return fallback
    while tag:
        if tag in available:
            return tag
        tag = tag.rpartition("-")[0]
    return ""


def read_quality(parameters: str) -> float:
    """Return the weight in ``q=0.8``: 1 when none is given, 0 when it is no number from 0 to 1."""
    text = parameters.strip().lower()
    if not text:
        return 1.0
    name, _, value = text.partition("=")
    digits = value.strip()
    if name.strip() != "q" or len(digits) > 5 or not digits.isascii() or not digits.replace(".", "", 1).isdigit():
        return 0.0
    quality = float(digits)
    return quality if quality <= 1.0 else 0.0
