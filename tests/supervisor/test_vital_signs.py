"""Vital signs: the kernel's words are read as they are meant, for processes that work, sleep, stop and end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shieldproxy.core.silence import Sign
from shieldproxy.supervisor import vital_signs as module
from shieldproxy.supervisor.vital_signs import catches, sign_of, stolen_time

Begin = Callable[[str], int]


@pytest.fixture
def begin() -> Iterator[Begin]:
    """A function that starts a script and returns its process id once it says something."""
    running: list[subprocess.Popen[bytes]] = []

    def started(script: str) -> int:
        process = subprocess.Popen((sys.executable, "-c", "print(flush=True)\n" + script), stdout=subprocess.PIPE)
        running.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process.pid

    yield started
    for process in running:
        process.kill()
        process.communicate()


def sign(pid: int) -> Sign:
    """Return the sign of a process that is there."""
    found = sign_of(pid, 0)
    assert found is not None
    return found


def until(pid: int, holds: Callable[[Sign], bool]) -> Sign:
    """Return the first sign of which something holds."""
    end = time.monotonic() + 30
    while not holds(found := sign(pid)):
        assert time.monotonic() < end, found
        time.sleep(0.01)
    return found


def test_one_who_works_uses_a_processor(begin: Begin) -> None:
    """Its time on it grows, and it is ready to run."""
    pid = begin("while True: pass")
    first = until(pid, lambda found: found.cpu > 0.05)
    second = until(pid, lambda found: found.cpu > first.cpu + 0.05)
    assert (first.state, second.state) == ("R", "R")
    assert second.waited >= first.waited


def test_one_who_sleeps_uses_none_and_one_who_is_stopped_says_so(begin: Begin) -> None:
    """States are those of the kernel, and a sleeper's time stands still."""
    pid = begin("import time; time.sleep(60)")
    first = until(pid, lambda found: found.state == "S")
    os.kill(pid, signal.SIGSTOP)
    second = until(pid, lambda found: found.state == "T")
    assert second.cpu - first.cpu < 0.05


def test_one_who_is_gone_has_no_sign(begin: Begin) -> None:
    """Neither before its parent took notice of the end (it has a last state), nor after."""
    pid = begin("")
    assert until(pid, lambda found: found.state == "Z").state == "Z"
    assert sign_of(2**22 + 1, 0) is None


def test_a_name_may_hold_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Brackets, spaces and bytes that are no text: the fields behind the name are found; a kernel may count less."""
    thread = tmp_path / "7" / "task" / "7"
    thread.mkdir(parents=True)
    fields = "D 1 7 7 0 -1 0 100 0 42 0 150 50 0 0 20 0"
    (thread / "stat").write_bytes(f"7 (a) R b) {fields}\n".encode().replace(b"a)", b"\xff)"))
    monkeypatch.setattr(module, "PROC", tmp_path)
    assert sign_of(7, 3) == Sign(3, "D", pytest.approx(200 * module.TICK), 0.0, 42)  # type: ignore[arg-type]
    (thread / "schedstat").write_text("5000000000 250000000 9\n")
    assert sign_of(7, 3) == Sign(3, "D", 5.0, 0.25, 42)


def test_stolen_time_is_told_for_each_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In seconds; nothing where the kernel does not say."""
    assert len(stolen_time()) == os.cpu_count()
    monkeypatch.setattr(module, "PROC", tmp_path)
    assert stolen_time() == {}
    (tmp_path / "stat").write_text("cpu  0 0 0 0 0 0 0 300 0\ncpu0 0 0 0 0 0 0 0 100 0\ncpu1 0 0 0 0\nintr 5\n")
    assert stolen_time() == {"cpu0": 100 * module.TICK}


def test_a_signal_is_caught_or_not(begin: Begin) -> None:
    """Whether a process has a handler is known without sending it anything; one that is gone has none."""
    with_one = begin("import signal, time\nsignal.signal(10, lambda *_: None)\nprint(flush=True)\ntime.sleep(60)")
    end = time.monotonic() + 30
    while not catches(with_one, signal.SIGUSR1):
        assert time.monotonic() < end
        time.sleep(0.01)
    assert not catches(with_one, signal.SIGUSR2)
    assert not catches(2**22 + 1, signal.SIGUSR1)
