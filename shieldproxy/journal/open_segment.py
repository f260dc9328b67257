"""The segment being written: one file, one writer, whole lines only; sealed once and never touched again."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from shieldproxy.core.record import rfc3339
from shieldproxy.journal.segments import LATER, open_name, sealed_name, well_formed

# Records name people's addresses: the owner writes, the group may read, nobody else.
DIRECTORY_MODE = 0o750
FILE_MODE = 0o640


class OpenSegment:
    """A segment from its first record to its seal. Locked, so that no other process mends what is still written."""

    def __init__(self, directory: Path, writer: str, seq: int, unix_seconds: float) -> None:
        """Create the file; raises OSError when that fails."""
        self.opened = rfc3339(unix_seconds)
        self.writer = writer
        self.seq = seq
        self.size = 0
        self.first = self.last = ""
        self._spoiled = False
        day = directory / self.opened[:10]
        day.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        self.path = day / open_name(self.opened, writer, seq)
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
        with contextlib.suppress(OSError):  # a file system without locks: the name alone must do
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    @property
    def usable(self) -> bool:
        """Whether it can be written on: whole to its end, and not deleted (nobody would see what follows)."""
        return not self._spoiled and os.fstat(self._file).st_nlink > 0

    def append(self, lines: bytes, first: str, last: str) -> None:
        """Write whole ``lines`` whose ts lie between ``first`` and ``last``; raises OSError and has written none."""
        try:
            _write_all(self._file, lines)
        except OSError:
            self._spoiled = True
            os.ftruncate(self._file, self.size)  # no half line may stand before the next attempt
            self._spoiled = False
            raise
        self.size += len(lines)
        self.first = min(self.first or LATER, first if well_formed(first) else self.opened)
        self.last = max(self.last, last if well_formed(last) else self.opened)

    def seal(self) -> Path | None:
        """Bring all to the disk and give the file its final name, which is returned; None when it was empty.

        Raises OSError; the file then keeps its name and is mended at the next start. Either way it is closed.
        """
        try:
            if self.size == 0:
                self.path.unlink(missing_ok=True)
                return None
            os.fsync(self._file)
            return seal_as(self.path, self.first, self.last, self.writer, self.seq)
        finally:
            os.close(self._file)

    def abandon(self) -> None:
        """Close without sealing: the file stays as it is, for the next start to mend."""
        os.close(self._file)


def seal_as(path: Path, first: str, last: str, writer: str, seq: int) -> Path:
    """Rename the segment ``path`` to what it holds and make the name last; raises OSError."""
    sealed = path.with_name(sealed_name(first, last, writer, seq))
    path.rename(sealed)
    sync_directory(path.parent)
    return sealed


def sync_directory(directory: Path) -> None:
    """Bring the names in ``directory`` to the disk; raises OSError."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_all(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]
