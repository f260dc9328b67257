"""The result as a picture: how near each target is, and what one request costs each server.

An SVG of our own, turned into a PNG by the Chromium that the tests use anyway; where there is none, the SVG remains.
"""

from __future__ import annotations

import math
import shutil
import subprocess
from html import escape
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.floors import SUBJECT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.comparison import Outcome
    from benchmarks.rows.finding import Finding

WIDTH = 1_160
LINE = 24
LEFT = 390
BAR = 420
LEAST, MOST = 0.01, 10.0
"""The part of a target at which a bar begins, and where it ends: what is beyond is drawn to the edge."""
MET, MISSED, OURS, THEIRS, INK, FAINT = "#2e7d32", "#c62828", "#1565c0", "#90a4ae", "#212121", "#cfd8dc"
STYLE = "font: 13px 'DejaVu Sans', 'Liberation Sans', sans-serif"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 60.0


def draw(findings: Sequence[Finding], outcomes: Sequence[Outcome], caption: str) -> str:
    """The SVG. `caption` says where and when."""
    judged = [one for one in findings if one.share is not None]
    parts: list[str] = []
    y = top = _heading(parts, 30, "How near each target is (logarithmic)")
    for one in judged:
        colour = MET if one.met else MISSED
        _bar(parts, y, one.asked, _place(one.share or 0.0), colour)
        parts.append(_text(LEFT + BAR + 12, y + 15, f"{one.found}  (wanted: {one.wanted})", size=11))
        y += LINE
    for share, word in ((0.1, "a tenth"), (1.0, "reached")):
        x = LEFT + int(_place(share) * BAR)
        parts.append(f'<line x1="{x}" x2="{x}" y1="{top - 4}" y2="{y}" stroke="{INK if share == 1.0 else FAINT}"/>')
        parts.append(_text(x, y + 12, word, anchor="middle", size=11))
    y += 12
    for outcome in outcomes:
        costs = {name: median(one.cpu_us for one in rounds) for name, rounds in outcome.rounds.items()}
        if len(costs) < 2:
            continue
        y = _heading(parts, y + 26, f"{outcome.scenario.title}: us of processor for one request")
        for name, cost in sorted(costs.items(), key=lambda item: item[1]):
            _bar(parts, y, name, cost / max(costs.values()), OURS if name == SUBJECT else THEIRS)
            parts.append(_text(LEFT + BAR + 12, y + 15, f"{cost:,.1f}", size=11))
            y += LINE
    height = y + 40
    parts.append(_text(20, height - 14, caption, size=11))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" style="{STYLE}">'
        f'<rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>\n'
    )


def write_png(svg: Path) -> Path | None:
    """Turn an SVG of ours into a PNG beside it; None where there is no Chromium, or it fails."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        return None
    png = svg.with_suffix(".png")
    height = svg.read_text(encoding="utf-8").split('height="', 1)[1].split('"', 1)[0]
    argv = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    argv += [f"--screenshot={png}", f"--window-size={WIDTH},{height}", svg.resolve().as_uri()]
    try:
        subprocess.run(argv, check=True, capture_output=True, timeout=PATIENCE)
    except (OSError, subprocess.SubprocessError):
        return None
    return png if png.exists() else None


def _place(share: float) -> float:
    """Where a share of a target lies on the axis, 0.0 to 1.0."""
    within = min(MOST, max(LEAST, share))
    return math.log(within / LEAST) / math.log(MOST / LEAST)


def _heading(parts: list[str], y: int, text: str) -> int:
    parts.append(_text(20, y, text, weight="bold"))
    return y + 14


def _bar(parts: list[str], y: int, label: str, length: float, colour: str) -> None:
    parts.append(_text(LEFT - 10, y + 15, label, anchor="end"))
    width = max(2.0, length * BAR)
    parts.append(f'<rect x="{LEFT}" y="{y + 3}" width="{width:.1f}" height="{LINE - 8}" fill="{colour}"/>')


def _text(x: int, y: int, text: str, *, anchor: str = "start", weight: str = "normal", size: int = 13) -> str:  # noqa: PLR0913
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-weight="{weight}" font-size="{size}" fill="{INK}">'
        f"{escape(text)}</text>"
    )
