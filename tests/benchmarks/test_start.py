"""From start to ready: measured until the first answer, for whatever is installed, and printed in one table."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import start
from benchmarks.cores import available_cores
from benchmarks.peers import Task
from benchmarks.peers.peer import Peer

# Listens at once, and answers only later: what counts is the answer.
SLOW = """
import http.server, sys, time
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.BaseHTTPRequestHandler)
time.sleep(0.3)
server.serve_forever()
"""


class Slow(Peer):
    name = "slow"
    program = "python3"

    def command(self) -> list[str]:
        return [sys.executable, "-c", SLOW, str(self.port)]


class Absent(Slow):
    @classmethod
    def missing(cls) -> str:
        return "absent is not installed"


def test_the_clock_ends_with_the_first_answer(tmp_path: Path) -> None:
    """A port that accepts is no answer; the process is gone afterwards."""
    peer = Slow(Task("pass", "http://127.0.0.1:9", available_cores()), tmp_path)
    measured = start.measure(peer)
    assert measured.wall > 0.3
    assert measured.processor > 0.0
    assert not start.answers(peer.port)


def test_the_table_has_a_row_for_each_server_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """And says who is missing, instead of leaving a gap."""
    monkeypatch.setattr(start, "ALL", {"slow": Slow, "absent": Absent})
    monkeypatch.setattr(start, "USUAL", ("slow", "absent"))
    result = CliRunner().invoke(start.main, ["--rounds", "2", "--workers", "1"])
    assert result.exit_code == 0, result.output
    head, names, row, left_out = result.output.splitlines()
    assert head.startswith("2 rounds, 1 workers; others kept ")
    assert names.split() == ["ms", "from", "start", "wall", "best", "cpu", "best"]
    assert row.split()[0] == "slow"
    assert all(int(cell) > 0 for cell in row.split()[1:])
    assert left_out == "absent: left out, absent is not installed"
