"""Starting and ending servers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks.cores import available_cores
from benchmarks.processes import Process, StartError, free_port

if TYPE_CHECKING:
    from pathlib import Path

LISTEN = "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(60)"


def started(argv: list[str], room: Path) -> Process:
    return Process([sys.executable, *argv], log=room / "log", cores=available_cores(), cwd=room)


def test_waits_until_it_listens_and_ends_it(tmp_path: Path) -> None:
    """A started server accepts when we go on, and is gone when it was stopped, also twice."""
    port = free_port()
    process = started(["-c", LISTEN, str(port)], tmp_path)
    process.wait_until_open(port)
    process.stop()
    process.stop()
    again = started(["-c", LISTEN, str(port)], tmp_path)
    again.wait_until_open(port)
    again.stop()


def test_says_why_a_server_did_not_come_up(tmp_path: Path) -> None:
    """The last line of a server that ended is in the message."""
    process = started(["-c", "print('first'); raise SystemExit('no such option')"], tmp_path)
    with pytest.raises(StartError, match="ended with 1: no such option"):
        process.wait_until_open(free_port())
    process.stop()
