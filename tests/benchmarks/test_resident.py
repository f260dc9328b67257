"""What a server holds."""

from __future__ import annotations

import mmap
import os

from benchmarks.resident import resident


def test_sees_memory_and_files_of_a_process() -> None:
    """Eight megabytes more and one file more are eight megabytes and one file more."""
    before = resident(os.getpid())
    block = mmap.mmap(-1, 8 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    block.write(b"x" * (8 << 20))
    with open(os.devnull) as file:  # noqa: PTH123 - a descriptor is wanted, not a path
        after = resident(os.getpid())
        assert file.fileno() > 0
    block.close()
    assert 7 << 20 < after.private - before.private < 12 << 20
    assert after.files == before.files + 1
    assert after.bytes == after.private + after.shared


def test_a_process_that_is_gone_holds_nothing() -> None:
    """Who ended while we looked counts for nothing."""
    assert resident(2**22 + 1).bytes == 0
