"""Top: who is busiest, once in a pipe and live on a terminal."""

from __future__ import annotations

import io
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from click.testing import Result
from rich.console import Console

from shieldproxy.cli.top import Look, view
from shieldproxy.control.node import BusyNetwork, Status, Top
from shieldproxy.control.problems import plain
from tests.fakes.control_room import ControlRoom
from tests.fakes.node import busy_status, busy_top

Type = Callable[..., Result]


def test_in_a_pipe_one_moment_is_shown(room: ControlRoom, typed: Type) -> None:
    """Without a terminal the busiest networks and clients are shown once."""
    text = typed("top", "-c", room.config).stdout
    assert text.startswith("last 1m: admit 45, throttle 12, drop 3\n")
    assert "AS64500" in text
    assert "EXAMPLE-HOSTING" in text
    assert "192.0.2.7" in text
    assert "AS64501" not in typed("top", "-n", "1", "-c", room.config).stdout


def test_for_programs_a_network_is_a_line(
    room: ControlRoom, typed: Type, objects: Callable[[Result], list[Any]]
) -> None:
    """With --format json each of the busiest networks is one object."""
    assert [row["asn"] for row in objects(typed("top", "--format", "json", "-c", room.config))] == [64500, 64501]


def drawn(before: Status, now: Status, top: Top, silence: str = "") -> str:
    console = Console(file=io.StringIO(), width=100, color_system=None)
    with console.capture() as captured:
        console.print(view(Look(plain(before), plain(top), 10.0), Look(plain(now), plain(top), 12.0), silence))
    return captured.get()


def test_rates_are_the_growth_between_two_looks() -> None:
    """The live view shows requests a second by action since the look before; a node that began anew shows none."""
    now = busy_status()._replace(requests={"admit": 1_100, "drop": 30, "throttle": 0})
    text = drawn(busy_status(), now, busy_top())
    assert "admit 100/s" in text
    assert "drop 5/s" in text
    assert "throttle 0/s" in text
    assert "under attack" in drawn(now, now._replace(posture="under_attack"), Top())


def test_a_name_cannot_speak_to_the_terminal() -> None:
    """A network's name with escapes is shown as text, and silence of the node is said."""
    top = Top(networks=(BusyNetwork(1, "[red]x\x1b[2J", "vpn", "", 3, {"admit": 3}),))
    text = drawn(busy_status(), busy_status(), top, "no node answers")
    assert "[red]x\\x1b[2J" in text
    assert "no node answers" in text


def test_on_a_terminal_it_is_live_until_interrupted(room: ControlRoom) -> None:
    """On a terminal the view is drawn afresh until ctrl-c, which ends it with 0 and gives the screen back."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "shieldproxy", "top", "-c", str(room.config)]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        seen = read_until(ours, b"EXAMPLE-HOSTING", 30.0)
        assert b"EXAMPLE-HOSTING" in seen
        process.send_signal(signal.SIGINT)
        seen += read_until(ours, b"\x1b[?1049l", 30.0)
        assert process.wait(30) == 0
    os.close(ours)
    assert b"Traceback" not in seen


def read_until(terminal: int, wanted: bytes, patience: float) -> bytes:
    seen, end = b"", time.monotonic() + patience
    while wanted not in seen and time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                seen += os.read(terminal, 65_536)
            except OSError:  # the other side of the terminal was closed
                break
    return seen
