"""The live view: readable at 80 and 100 columns, plain where there is no terminal, silent for programs."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from shieldproxy.cli.demo.view import PLAIN_BLOCKS, Busy, Lines, Nobody, Scene, Screen, line, picture, watcher_for

SCENE = Scene(
    at=18.2,
    seconds=40.0,
    flood=8.2,
    posture="under_attack",
    actions={"admit": 12.3, "challenge": 168.0, "throttle": 0.0, "refuse": 0.0, "drop": 0.0},
    asked=[15.0] * 40 + [180.0] * 8,
    reached=[15.0] * 48,
    networks=[
        Busy(212238, "Datacamp Limited", "vpn", 2035, 61),
        Busy(17971, "A NAME THAT GOES ON AND ON " * 4, "hosting", 1, 0),
    ],
    site_served=1234,
    site_busy=3,
    addresses=948,
    people=27,
    fine=27,
    challenged=3,
    through=3,
    longest=3.31,
)


def drawn(scene: Scene, width: int) -> list[str]:
    """Return the picture as lines of text."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(picture(scene, width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 100])
def test_the_picture_fits(width: int) -> None:
    """No line is broken or too long, and the whole fits a terminal of 24 lines."""
    lines = drawn(SCENE, width)
    assert max(len(text.rstrip()) for text in lines) <= width
    assert len(lines) <= 20
    text = "\n".join(lines)
    for word in (
        "18 of 40 s",
        "under attack",
        "AS212238 Datacamp Limited",
        "challenge 168",
        "27 of 27 fine",
        "1,234 requests served",
    ):
        assert word in text


def test_the_height_stays_the_same() -> None:
    """A picture that jumps cannot be read: with many networks or none it has as many lines."""
    empty = SCENE._replace(networks=[], asked=[], reached=[], challenged=0, flood=-8.0)
    assert len(drawn(empty, 80)) == len(drawn(SCENE, 80))
    assert "a flood comes in 8 s" in "\n".join(drawn(empty, 80))


def test_a_terminal_without_the_signs_gets_plain_ones() -> None:
    """Where block characters cannot be written, others draw the curve."""
    console = Console(file=io.StringIO(), width=80, color_system=None)
    console.print(picture(SCENE, 80, PLAIN_BLOCKS))
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().isascii()


def test_a_line_says_it_all_in_80_columns() -> None:
    """Without a terminal one line holds posture, requests and citizens."""
    text = line(SCENE)
    assert len(text) <= 100
    assert "under_attack" in text
    assert "27 of 27 fine, 3 challenged" in text


def test_lines_come_every_five_seconds() -> None:
    """A log is not filled with a line a second."""
    written: list[str] = []
    lines = Lines(written.append)
    lines.begin()
    for second in range(21):
        lines.show(SCENE._replace(at=float(second)))
    lines.end()
    assert len(written) == 4


def test_who_watches() -> None:
    """Programs get nothing, files and dumb terminals lines, terminals the picture."""
    terminal = Console(file=io.StringIO(), force_terminal=True, _environ={"TERM": "xterm"})
    dumb = Console(file=io.StringIO(), force_terminal=True, _environ={"TERM": "dumb"})
    assert isinstance(watcher_for(terminal, silent=True), Nobody)
    assert isinstance(watcher_for(terminal, silent=False), Screen)
    assert isinstance(watcher_for(dumb, silent=False), Lines)
    assert isinstance(watcher_for(Console(file=io.StringIO()), silent=False), Lines)
