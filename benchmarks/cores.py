"""Who runs on which core, and what a server's processor time was.

Throughput alone compares servers only while each of them keeps its core busy. The processor time of one request is the
steadier figure: it does not move when a generator or an origin on the other core has a slow moment.
"""

from __future__ import annotations

import os
import resource
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cores:
    """The cores of one comparison. With two cores, load and origin share the second one."""

    server: frozenset[int]
    load: frozenset[int]
    origin: frozenset[int]

    @property
    def shared(self) -> bool:
        """Whether the server has to share its core, so that throughput says little."""
        return bool(self.server & (self.load | self.origin))

    def describe(self) -> str:
        """One phrase for the head of the table."""
        named = {"server": self.server, "load": self.load, "origin": self.origin}
        return ", ".join(f"{name} on core {','.join(map(str, sorted(cores)))}" for name, cores in named.items())


def assign(available: frozenset[int], *, server_cores: int = 1) -> Cores:
    """Shares out the cores: first the server's, then one for the load and one for the origin as far as they go."""
    ordered = sorted(available)
    server = frozenset(ordered[:server_cores])
    rest = ordered[server_cores:] or ordered[-1:]
    return Cores(server, frozenset(rest[:1]), frozenset(rest[1:2] or rest[:1]))


def available_cores() -> frozenset[int]:
    """The cores this process may use."""
    return frozenset(os.sched_getaffinity(0))


@contextmanager
def on_cores(cores: frozenset[int]) -> Iterator[None]:
    """Whatever is started inside runs on `cores` from its first instruction, with all its threads and children."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def processor_seconds(pid: int) -> float:
    """User and system seconds of `pid` and all its descendants, also of those that have ended and been waited for.

    Read from /proc/PID/stat (proc(5)), in steps of one clock tick, 10 ms as a rule. 0.0 for a process that is gone.
    """
    ticks = 0
    for member in family(pid):
        fields = _stat(member)
        ticks += sum(map(int, fields[11:15])) if fields else 0  # utime stime cutime cstime
    return ticks / TICKS


def machine_seconds() -> float:
    """Seconds that all cores together have been busy since the start, stolen time included (proc(5))."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(
        int, (PROC / "stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + irq + softirq + steal) / TICKS


def children_seconds() -> float:
    """User and system seconds of all children of this process that have been waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def family(pid: int) -> list[int]:
    """`pid` and all its descendants, parents first."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for member in found:  # grows while it is walked: a breadth-first search
        found.extend(children.get(member, ()))
    return found


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on (the third), empty for a process that is gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()
