"""Spans of time and amounts as people read them."""

from __future__ import annotations

KIB = 1 << 10


def written_span(seconds: float) -> str:
    """Return a span of time in its two largest units: ``3d 4h``, ``10m``, ``0s``."""
    parts: list[str] = []
    rest = round(max(0.0, seconds))
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        parts.append(f"{count}{unit}")
    first = next((number for number, part in enumerate(parts) if part[:-1] != "0"), len(parts) - 1)
    return " ".join(part for part in parts[first : first + 2] if part[:-1] != "0" or len(parts) == first + 1)


def written_size(size: float) -> str:
    """Return bytes in the unit that keeps the number short: ``900 B``, ``1.5 GiB``."""
    for unit in ("B", "KiB", "MiB"):
        if size < KIB:
            return f"{size:.0f} {unit}"
        size /= KIB
    return f"{size:.1f} GiB"


def written_count(number: float) -> str:
    """Return a number with its thousands apart: ``12,345``."""
    return f"{number:,.0f}"


def share(part: float, whole: float) -> str:
    """Return a part of a whole in per cent; ``-`` of nothing."""
    return f"{100 * part / whole:.0f} %" if whole else "-"
