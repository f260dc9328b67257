"""Whereabouts: a process that is stuck in Python, or in a call that does not return, still says where."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from shieldproxy.app.whereabouts import ASK, MOST_FRAMES, whereabouts

PROLOGUE = """
import sys, threading, time
from shieldproxy.app.whereabouts import answer_into
def elsewhere():
    time.sleep(60)
threading.Thread(target=elsewhere, daemon=True).start()
def say():
    print(flush=True)
answer_into(int(sys.argv[1]))
"""
SPINS = "def circle():\n    say()\n    while True: pass\ncircle()"
SLEEPS = "import socket\none, other = socket.socketpair()\ndef wait():\n    say()\n    one.recv(1)\nwait()"


@pytest.mark.parametrize(("script", "innermost"), [(SPINS, "circle"), (SLEEPS, "wait")])
def test_a_stuck_process_says_where(script: str, innermost: str) -> None:
    """Main thread and no other, innermost call first; the process goes on, and can be asked again."""
    fd = os.memfd_create("whereabouts")
    command = (sys.executable, "-c", PROLOGUE + script, str(fd))
    with subprocess.Popen(command, pass_fds=(fd,), stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            for _ in range(2):
                os.ftruncate(fd, 0)
                os.lseek(fd, 0, os.SEEK_SET)
                process.send_signal(ASK)
                end = time.monotonic() + 30
                while not (found := whereabouts(os.pread(fd, 65_536, 0).decode())).endswith("<module>"):
                    assert time.monotonic() < end, found
                    time.sleep(0.01)
                assert f" {innermost} < <string>:" in found
                assert "elsewhere" not in found
            assert process.poll() is None
        finally:
            process.send_signal(signal.SIGKILL)
            os.close(fd)


def test_what_was_not_written_is_nowhere() -> None:
    """Nothing, and what is no stack, are no place."""
    assert whereabouts("") == whereabouts("garbage\n  File nowhere") == ""


def test_a_deep_stack_is_one_line() -> None:
    """The innermost frames stand for all of them; of a path its last two parts."""
    deep = "".join(f'  File "/opt/shieldproxy/proxy/x.py", line {n} in f\n' for n in range(1, 100))
    found = whereabouts(f"Thread 0x1 (most recent call first):\n\nCurrent thread 0x2 (most recent call first):\n{deep}")
    assert found.split(" < ") == [f"proxy/x.py:{n} f" for n in range(1, MOST_FRAMES + 1)]
