"""Vital signs: what the kernel says of a process that says nothing itself (proc_pid_stat(5), proc_stat(5))."""

from __future__ import annotations

import os
from pathlib import Path

from shieldproxy.core.silence import Sign

PROC = Path("/proc")
TICK = 1.0 / os.sysconf("SC_CLK_TCK")
NANO = 1e-9
# Places in proc_pid_stat(5) behind the name, which may hold spaces and brackets itself; of steal in a line of a CPU.
STATE, MAJOR_FAULTS, USER, SYSTEM, STEAL = 0, 9, 11, 12, 8


def sign_of(pid: int, beats: int) -> Sign | None:
    """Return the sign of the main thread of ``pid``, with ``beats`` as it told them; None when it is gone."""
    thread = PROC / str(pid) / "task" / str(pid)
    try:
        fields = (thread / "stat").read_text("latin-1").rpartition(")")[2].split()
    except OSError:
        return None
    used, waited = _scheduled(thread)
    cpu = max(used, (int(fields[USER]) + int(fields[SYSTEM])) * TICK)
    return Sign(beats, fields[STATE], cpu, waited, int(fields[MAJOR_FAULTS]))


def _scheduled(thread: Path) -> tuple[float, float]:
    """Return seconds on a processor and seconds ready without one; nothing where the kernel does not count them."""
    try:
        used, waited, _ = (thread / "schedstat").read_text("ascii").split()
        return int(used) * NANO, int(waited) * NANO
    except (OSError, ValueError):
        return 0.0, 0.0


def stolen_time() -> dict[str, float]:
    """Return for each processor the seconds that a hypervisor gave to others since the start."""
    try:
        lines = (PROC / "stat").read_text("ascii").splitlines()
    except OSError:
        return {}
    rows = [line.split() for line in lines if line.startswith("cpu") and line[3:4].isdigit()]
    return {row[0]: int(row[STEAL]) * TICK for row in rows if len(row) > STEAL}


def catches(pid: int, number: int) -> bool:
    """Tell whether the process ``pid`` has a handler for the signal ``number``; one that has none would end of it."""
    try:
        lines = (PROC / str(pid) / "status").read_text("latin-1").splitlines()
    except OSError:
        return False
    masks = [line.split()[1] for line in lines if line.startswith("SigCgt:")]
    return bool(masks) and bool(int(masks[0], 16) >> number - 1 & 1)
