"""What a server holds: memory and open files of a process and all its descendants, from /proc (proc(5))."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.cores import PROC, family

KIB = 1024


@dataclass(frozen=True, slots=True)
class Resident:
    """One look at a process tree."""

    private: int
    """Bytes of its own that lie in memory (RssAnon), added up over the processes."""
    shared: int
    """Bytes of shared memory that lie in memory (RssShmem): the most that one process has, for all see the same."""
    files: int
    """Open descriptors."""

    @property
    def bytes(self) -> int:
        """Private and shared memory together; the code of programs and libraries is not in it."""
        return self.private + self.shared


def resident(pid: int) -> Resident:
    """Look at `pid` and its descendants; those that end meanwhile count for nothing."""
    looks = [_look(member) for member in family(pid)]
    return Resident(
        private=sum(look.private for look in looks),
        shared=max((look.shared for look in looks), default=0),
        files=sum(look.files for look in looks),
    )


def _look(pid: int) -> Resident:
    try:
        lines = (PROC / str(pid) / "status").read_text().splitlines()
        files = sum(1 for _ in (PROC / str(pid) / "fd").iterdir())
    except OSError:
        return Resident(0, 0, 0)
    told = dict(line.split(":", 1) for line in lines if line.startswith("Rss"))
    sizes = {name: int(value.split()[0]) * KIB for name, value in told.items()}
    return Resident(sizes.get("RssAnon", 0), sizes.get("RssShmem", 0), files)
