"""The memory all workers of a node share: one anonymous file, made by the supervisor, inherited by its workers.

A memfd has no name: nothing is left behind by a crash, nothing has to be unlinked, nobody without the descriptor can
open it, and no resource tracker ends it with the first worker that exits. The supervisor keeps it open for as long as
it lives, so a worker that starts anew finds every bucket as it was.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from shieldproxy.core.errors import StartError
from shieldproxy.state import beats, line, newcomers, slots, tallies, traits
from shieldproxy.state.situation import MARK_SLOTS, RATE_SLOTS

MAGIC = b"shieldp\0"
VERSION = 3
# magic, version, workers, bucket slots, ban slots, spent slots, bytes in all, secret
HEADER = struct.Struct("=8sIIQQQQ32s")
PAGE = 4096
MEMINFO = Path("/proc/meminfo")
SECRET_BYTES = 32
# Not in Python's os before 3.13: say that the file is never run, which hardened kernels demand. It implies sealing.
MFD_NOEXEC_SEAL = 0x0008


class Region(StrEnum):
    """The parts of the memory."""

    BUCKETS = "buckets"
    BANS = "bans"
    SPENT = "spent"
    TALLIES = "tallies"
    SITUATION = "situation"
    NEWCOMERS = "newcomers"
    MARKS = "marks"
    TRAITS = "traits"
    RATES = "rates"
    BEATS = "beats"
    LINE = "line"


class Sizes(NamedTuple):
    """How much is remembered. Slots are 16 bytes each and rounded up to a power of two.

    ``buckets`` of 4,194,304 take 64 MiB. ``workers`` is how many numbers workers may have, the supervisor's own
    included.
    """

    buckets: int = 4_194_304
    bans: int = 262_144
    spent: int = 262_144
    workers: int = 1


def layout(sizes: Sizes) -> tuple[dict[Region, slice], int]:
    """Return where each region lies, each on pages of its own, and the bytes in all."""
    lengths = {
        Region.BUCKETS: slots.bytes_for(sizes.buckets),
        Region.BANS: slots.bytes_for(sizes.bans),
        Region.SPENT: slots.bytes_for(sizes.spent),
        Region.TALLIES: tallies.bytes_for(sizes.workers),
        Region.SITUATION: PAGE,
        Region.NEWCOMERS: newcomers.bytes_for(sizes.workers),
        Region.MARKS: slots.bytes_for(MARK_SLOTS),
        Region.TRAITS: traits.bytes_for(sizes.workers),
        Region.RATES: slots.bytes_for(RATE_SLOTS),
        Region.BEATS: beats.bytes_for(sizes.workers),
        Region.LINE: line.bytes_for(sizes.workers),
    }
    start = PAGE
    places: dict[Region, slice] = {}
    for region, length in lengths.items():
        places[region] = slice(start, start + length)
        start += -(-length // PAGE) * PAGE
    return places, start


def available_memory() -> int:
    """Return how many bytes the system can give without swapping, or has in all where it does not say."""
    try:
        told = MEMINFO.read_text("ascii").splitlines()
        kibibytes = next(line.split()[1] for line in told if line.startswith("MemAvailable:"))
        return int(kibibytes) * 1024
    except (OSError, ValueError, StopIteration):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


class NodeMemory:
    """The shared memory, mapped into this process. Made by ``create`` or ``attach``.

    ``fd`` is what workers inherit (``pass_fds``), ``secret`` keys the names of slots and is the same in all of them.
    """

    def __init__(self, fd: int, mapped: mmap.mmap, sizes: Sizes, secret: bytes) -> None:
        self.fd = fd
        self.sizes = sizes
        self.secret = secret
        self._mapped = mapped
        self._places, _ = layout(sizes)
        self._open = True

    @classmethod
    def create(cls, sizes: Sizes, secret: bytes, available: Callable[[], int] = available_memory) -> NodeMemory:
        """Make the memory, empty. ``secret`` is 32 bytes of chance, ``available`` says how many bytes are to be had.

        All of it is claimed from the system now, so that a flood cannot bring the node down for want of it later.
        Raises StartError when the system has not that much, ValueError when a size or the secret makes no sense.
        """
        if len(secret) != SECRET_BYTES:
            raise ValueError(f"the secret has {len(secret)} bytes, not {SECRET_BYTES}")
        if not 1 <= sizes.workers <= slots.MAX_WRITERS:
            raise ValueError(f"{sizes.workers} workers: allowed are 1 to {slots.MAX_WRITERS}")
        _, total = layout(sizes)
        at_hand = available()
        if total > at_hand:  # the system would not refuse it, but kill processes until it had it
            raise StartError(f"no shared memory of {_mib(total)}: the machine has {_mib(at_hand)} to give")
        try:
            fd, mapped = _claim(total)
        except OSError as error:
            raise StartError(f"no shared memory of {_mib(total)}: {error.strerror}") from error
        HEADER.pack_into(
            mapped, 0, MAGIC, VERSION, sizes.workers, sizes.buckets, sizes.bans, sizes.spent, total, secret
        )
        return cls(fd, mapped, sizes, secret)

    @classmethod
    def attach(cls, fd: int) -> NodeMemory:
        """Map the memory behind an inherited descriptor. Raises StartError when it is none that this version made."""
        try:
            total = os.fstat(fd).st_size
            mapped = mmap.mmap(fd, total) if total >= PAGE else None
        except OSError as error:
            raise StartError(f"descriptor {fd} is no shared memory: {error.strerror}") from error
        if mapped is None:
            raise StartError(f"descriptor {fd} is no shared memory of a node")
        magic, version, workers, buckets, bans, spent, told, secret = HEADER.unpack_from(mapped)
        sizes = Sizes(buckets, bans, spent, workers)
        if (magic, version) != (MAGIC, VERSION) or told != total or layout(sizes)[1] != total:
            mapped.close()
            raise StartError(f"descriptor {fd} is no shared memory of this version")
        return cls(fd, mapped, sizes, secret)

    def region(self, region: Region) -> memoryview:
        """Return a region, writable."""
        return memoryview(self._mapped)[self._places[region]]

    def lock_start(self, region: Region) -> int:
        """Return the first byte of ``fd`` that lies in ``region``, where record locks for it may stand."""
        start: int = self._places[region].start
        return start

    def close(self) -> None:
        """Close the descriptor; twice is once. What tables still hold stays mapped until they go.

        The memory itself is gone with the last process that has it.
        """
        if not self._open:
            return
        self._open = False
        os.close(self.fd)
        try:
            self._mapped.close()
        except BufferError:
            return  # tables still look at it; it is unmapped with the last of them


def _claim(total: int) -> tuple[int, mmap.mmap]:
    fd = _anonymous_file()
    try:
        os.posix_fallocate(fd, 0, total)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        return fd, mmap.mmap(fd, total)
    except BaseException:
        os.close(fd)
        raise


def _mib(count: int) -> str:
    return f"{count / 2**20:.0f} MiB"


def _anonymous_file() -> int:
    fd: int
    try:
        fd = os.memfd_create("shieldproxy", os.MFD_CLOEXEC | MFD_NOEXEC_SEAL)
    except OSError:  # a kernel before 6.3 does not know the flag
        fd = os.memfd_create("shieldproxy", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    return fd
