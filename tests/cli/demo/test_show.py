"""The whole show, run as a user runs it: a node, citizens and a flood on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from shieldproxy.cli.demo.show import Acts

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "shieldproxy", "demo"]


def environment() -> dict[str, str]:
    """Return an environment in which the package is found from any directory."""
    return os.environ | {"PYTHONPATH": str(ROOT)}


def living(directory: Path) -> list[int]:
    """Return the processes whose command line or directory names ``directory``."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                if entry.joinpath("cwd").readlink() == directory:
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Run a short show for programs, in a directory of its own."""
    directory = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [*COMMAND, "--json", "--seconds", "12"],
        cwd=directory,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done, directory


@pytest.fixture(scope="module")
def result(run: tuple[subprocess.CompletedProcess[str], Path]) -> dict[str, Any]:
    """Return what it printed."""
    found: dict[str, Any] = json.loads(run[0].stdout)
    return found


def test_it_ends_well_and_says_nothing_else(run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """One object on one line, exit code 0, nothing on stderr, no process left behind."""
    done, directory = run
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    assert living(directory) == []


def test_nobody_is_hurt(result: dict[str, Any]) -> None:
    """All citizens get every page, by their own account and by the journal; who was challenged came through."""
    citizens = result["citizens"]
    assert citizens["hurts"] == []
    assert citizens["turned_away_in_journal"] == []
    assert citizens["people"] > 20
    assert citizens["passed"] == citizens["challenges"]


def test_most_of_the_attack_is_stopped(result: dict[str, Any]) -> None:
    """More than a third within the first seconds, while bursts are spent; a limit for each address stops nothing."""
    attack = result["attack"]
    assert attack["stopped_percent"] > 33.0
    assert attack["plain_limit"]["stopped_percent"] < 1.0
    assert attack["networks"][0]["asn"] == 212238
    assert attack["requests"] > 100 * attack["seconds"]


def test_the_journal_adds_up(result: dict[str, Any]) -> None:
    """The sum of weights is what was sent, and what was admitted is what the site counted."""
    journal, site = result["journal"], result["site"]
    assert journal["requests"] == journal["sent"] - journal["closed_unanswered"]
    assert journal["lost"] == 0
    assert site["attack"] == result["attack"]["reached_site"]


def test_everything_is_where_it_says(
    run: tuple[subprocess.CompletedProcess[str], Path], result: dict[str, Any]
) -> None:
    """Report, result, configuration and journal lie below var/demo."""
    directory = run[1]
    assert result["directory"].startswith("var/demo/")
    for key in ("report", "config"):
        assert (directory / result[key]).is_file()
    assert list((directory / result["journal"]["directory"]).rglob("*.jsonl"))
    assert "Who attacked" in (directory / result["report"]).read_text()


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_show_leaves_nothing_running(tmp_path: Path, name: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end the node too, and say where the journal lies."""
    started = subprocess.Popen(
        [*COMMAND, "--seconds", "60"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert started.stdout is not None
        started.stdout.readline()
        deadline = time.monotonic() + 60.0
        while not list(tmp_path.glob("var/demo/*/journal")) and time.monotonic() < deadline:
            time.sleep(0.05)
        started.send_signal(name)
        _, said = started.communicate(timeout=60)
    finally:
        started.kill()
        started.wait()
    assert started.returncode == 1
    assert "lies in var/demo/" in said
    assert living(tmp_path) == []


def test_the_flood_comes_after_ten_seconds() -> None:
    """In a short show after a quarter of it."""
    assert (Acts(0.0, 40.0).calm, Acts(0.0, 40.0).flood) == (10.0, 30.0)
    assert (Acts(0.0, 12.0).calm, Acts(0.0, 12.0).flood) == (3.0, 9.0)
