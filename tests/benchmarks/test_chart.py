"""The result as a picture."""

from __future__ import annotations

import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.chart import BROWSERS, WIDTH, draw, write_png
from benchmarks.rows.finding import at_least, at_most, told
from tests.benchmarks.test_report import outcome

FOUND = [
    at_least("pass", "pass, x <nginx>", 0.06, 0.6),
    at_most("start", "start, s", 0.5, 0.7),
    told("m", "no bar", "1"),
]
SPACE = "{http://www.w3.org/2000/svg}"


def test_shows_each_target_and_each_server() -> None:
    """A bar for each line that has a target, green or red, and one for each server; what is named is escaped."""
    picture = ET.fromstring(draw(FOUND, [outcome()], "here"))
    texts = [element.text or "" for element in picture.iter(f"{SPACE}text")]
    fills = [element.get("fill") for element in picture.iter(f"{SPACE}rect")]
    assert "pass, x <nginx>" in texts
    assert "no bar" not in texts
    assert {"shieldproxy", "nginx", "here"} <= set(texts)
    assert fills.count("#c62828") == fills.count("#2e7d32") == 1


def test_becomes_a_png(tmp_path: Path) -> None:
    """Where there is a Chromium, a PNG of the picture's width lies beside the SVG; else the SVG is what there is."""
    svg = tmp_path / "result.svg"
    svg.write_text(draw(FOUND, [outcome()], "here"), encoding="utf-8")
    png = write_png(svg)
    if not any(map(shutil.which, BROWSERS)):
        assert png is None
        return
    assert png is not None
    data = png.read_bytes()
    assert data.startswith(b"\x89PNG")
    assert int.from_bytes(data[16:20], "big") == WIDTH


def test_without_a_browser_there_is_no_png(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is said by None, not by an error at the end of a long measurement."""
    monkeypatch.setattr("benchmarks.chart.shutil.which", lambda _: None)
    assert write_png(tmp_path / "result.svg") is None
