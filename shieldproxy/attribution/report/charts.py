"""Charts: inline SVG that says in words what it shows, and takes its colours from the page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

WIDTH, HEIGHT = 960, 220
LEFT, TOP, BOTTOM = 64, 16, 28
# So many moments are written below the course, where there is room for each.
MARKS = 6
DAY = 86_400


def bar(share: float) -> str:
    """Return a share (0 to 1) as a bar; the number stands beside it, so who cannot see it misses nothing."""
    wide = max(0.6 if share > 0 else 0.0, 100 * min(1.0, share))
    return (
        '<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="reached" width="{wide:.2f}" height="10"/></svg>'
    )


def course(timeline: Mapping[str, Any]) -> str:
    """Return requests over time: columns of what reached the site, and on them what was stopped."""
    step, rows = int(timeline["step"]), timeline["rows"]
    first, last = int(rows[0][0]), int(rows[-1][0])
    count = (last - first) // step + 1
    most = max(reached + stopped for _, reached, stopped in rows) or 1
    wide, tall = (WIDTH - LEFT) / count, HEIGHT - TOP - BOTTOM
    parts = []
    for start, reached, stopped in rows:
        x = LEFT + (int(start) - first) // step * wide
        low, high = tall * reached / most, tall * stopped / most
        parts += [
            _column("reached", x, TOP + tall - low, wide, low),
            _column("stopped", x, TOP + tall - low - high, wide, high),
        ]
    parts += _axis(tall, most, step)
    parts += [
        _mark(first, count, step, number, wide)
        for number in sorted({round(n * (count - 1) / (MARKS - 1)) for n in range(MARKS)})
    ]
    requests = sum(reached + stopped for _, reached, stopped in rows)
    title = (
        f"{requests:,} requests from {written(first, DAY)} to {written(last + step, DAY)} UTC, "
        f"{sum(row[2] for row in rows):,} of them stopped; in steps of {_span(step)}, {most:,} in the largest."
    )
    return (
        '<figure><div class="scroll" tabindex="0" role="group" aria-label="Requests over time">'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">{"".join(parts)}</svg></div>'
        f'<figcaption>{title} <span class="key reached"></span>reached the site'
        '<span class="key stopped"></span>stopped</figcaption></figure>'
    )


def written(seconds: int, step: int) -> str:
    """Return a moment as it is written below a course whose columns are ``step`` seconds apart."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return (
        f"{moment:%Y-%m-%d %H:%M}" if step >= DAY else f"{moment:%m-%d %H:%M}" if step >= 300 else f"{moment:%H:%M:%S}"
    )


def _column(kind: str, x: float, y: float, wide: float, high: float) -> str:
    if high <= 0:
        return ""
    wide, high = max(wide - 0.4, 0.6), max(high, 0.5)
    return f'<rect class="{kind}" x="{x:.2f}" y="{y:.2f}" width="{wide:.2f}" height="{high:.2f}"/>'


def _axis(tall: float, most: int, step: int) -> list[str]:
    base = TOP + tall
    return [
        f'<line class="axis" x1="{LEFT}" x2="{WIDTH}" y1="{base}" y2="{base}"/>',
        f'<line class="axis" x1="{LEFT}" x2="{WIDTH}" y1="{TOP}" y2="{TOP}"/>',
        f'<text x="{LEFT - 8}" y="{TOP + 4}" text-anchor="end">{most / step:,.3g}/s</text>',
        f'<text x="{LEFT - 8}" y="{base}" text-anchor="end">0</text>',
    ]


def _mark(first: int, count: int, step: int, number: int, wide: float) -> str:
    anchor = "start" if number == 0 else "end" if number == count - 1 else "middle"
    x = LEFT + number * wide + (wide if anchor == "end" else 0)
    return f'<text x="{x:.0f}" y="{HEIGHT - 8}" text-anchor="{anchor}">{written(first + number * step, step)}</text>'


def _span(step: int) -> str:
    for unit, size in (("d", DAY), ("h", 3_600), ("min", 60)):
        if step % size == 0:
            return f"{step // size} {unit}"
    return f"{step} s"
