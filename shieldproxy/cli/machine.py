"""The machine as the doctor sees it: clock, open files, disk space, kernel settings. Reads, changes nothing."""

from __future__ import annotations

import os
import re
import resource
from pathlib import Path
from typing import NamedTuple

from shieldproxy.journal.timekeeping import ClockState, clock_state


class Space(NamedTuple):
    """What a file system still takes: bytes and files (-1: it does not count files)."""

    free: int
    total: int
    files: int


class OpenFiles(NamedTuple):
    """The limits of open files of a process; ``of`` says whose they are."""

    soft: int
    hard: int
    of: str


class Machine:
    """Reads this machine; ``proc`` is where the kernel shows itself."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc

    def clock(self) -> ClockState | None:
        """Return the state of the clock, None where the kernel does not tell."""
        return clock_state()

    def open_files(self, pid: int = 0) -> OpenFiles:
        """Return the limits of the process ``pid``; those of this shell when 0 or not readable."""
        try:
            text = (self._proc / str(pid) / "limits").read_text("ascii") if pid else ""
        except (OSError, ValueError):
            text = ""
        found = re.search(r"^Max open files +(\d+|unlimited) +(\d+|unlimited)", text, re.MULTILINE)
        if found is not None:
            return OpenFiles(_count(found[1]), _count(found[2]), "the running node")
        # A node raises its own limit as far as it may, so the hard one counts.
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        return OpenFiles(hard, hard, "this shell")

    def space(self, directory: Path) -> Space:
        """Return what the file system of ``directory`` still takes of a program without privileges; raises OSError."""
        answer = os.statvfs(directory)
        files = answer.f_favail if answer.f_files else -1
        return Space(answer.f_bavail * answer.f_frsize, answer.f_blocks * answer.f_frsize, files)

    def writable(self, directory: Path) -> bool:
        """Tell whether this user may make files in ``directory``."""
        return os.access(directory, os.W_OK | os.X_OK)

    def kernel(self, name: str) -> int | None:
        """Return a kernel setting such as ``net.core.somaxconn``, None where it is not shown."""
        try:
            return int((self._proc / "sys" / name.replace(".", "/")).read_text("ascii").split()[0])
        except (OSError, ValueError, IndexError):
            return None

    def memory(self) -> int | None:
        """Return the bytes of memory programs can still get, None where it is not shown."""
        try:
            text = (self._proc / "meminfo").read_text("ascii")
        except (OSError, ValueError):
            return None
        found = re.search(r"^MemAvailable: +(\d+) kB", text, re.MULTILINE)
        return int(found[1]) * 1024 if found else None


def _count(text: str) -> int:
    return resource.RLIM_INFINITY if text == "unlimited" else int(text)
