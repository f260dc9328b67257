"""The shared memory: one anonymous file, inherited, the same for all, gone with the last of them."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from itertools import pairwise

import pytest

from shieldproxy.core.errors import StartError
from shieldproxy.state.memory import HEADER, PAGE, NodeMemory, Region, Sizes, available_memory, layout

SIZES = Sizes(buckets=1_000, bans=100, spent=100, workers=3)
SECRET = bytes(range(32))
WORKER = """
import sys
from shieldproxy.state.memory import NodeMemory, Region
memory = NodeMemory.attach(int(sys.argv[1]))
for region in Region:
    memory.region(region)[0] += 1
print(memory.sizes, memory.secret.hex())
memory.close()
"""


def test_workers_write_into_the_same_memory() -> None:
    """Two workers one after the other find what the first one left, without a word on stderr."""
    memory = NodeMemory.create(SIZES, SECRET)
    try:
        for _ in range(2):
            done = subprocess.run(
                [sys.executable, "-W", "error", "-c", WORKER, str(memory.fd)],
                pass_fds=(memory.fd,),
                capture_output=True,
                text=True,
                timeout=30,
                check=True,
            )
            assert (done.stdout, done.stderr) == (f"{SIZES} {SECRET.hex()}\n", "")
        assert [memory.region(region)[0] for region in Region] == [2] * len(Region)
    finally:
        memory.close()


def test_regions_do_not_meet() -> None:
    """Every region has pages of its own, as large as its table needs, inside the whole."""
    places, total = layout(SIZES)
    ordered = sorted(places.values(), key=lambda place: place.start)
    assert [place.start % PAGE for place in ordered] == [0] * len(Region)
    assert ordered[0].start >= HEADER.size
    assert all(earlier.stop <= later.start for earlier, later in pairwise(ordered))
    assert ordered[-1].stop <= total
    memory = NodeMemory.create(SIZES, SECRET)
    assert [len(memory.region(region)) for region in Region] == [
        places[region].stop - places[region].start for region in Region
    ]
    assert memory.lock_start(Region.SPENT) == places[Region.SPENT].start
    memory.close()


def test_nobody_can_cut_it_short() -> None:
    """The size is sealed: no process that has the descriptor can make another one fault."""
    memory = NodeMemory.create(SIZES, SECRET)
    with pytest.raises(PermissionError):
        os.ftruncate(memory.fd, PAGE)
    memory.close()


def test_closing_twice_is_closing_once() -> None:
    """The descriptor is closed once; tables that still look at the memory may go on looking."""
    memory = NodeMemory.create(SIZES, SECRET)
    view = memory.region(Region.BUCKETS)
    number = memory.fd
    memory.close()
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(number)
    memory.close()
    view[0] = 7
    assert view[0] == 7


@pytest.mark.parametrize("content", [b"", b"short", bytes(PAGE), bytes(layout(SIZES)[1])])
def test_what_is_no_memory_of_ours_is_refused(content: bytes) -> None:
    """A descriptor of something else, or of another version, stops the start with a word that says so."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        with pytest.raises(StartError, match="no shared memory"):
            NodeMemory.attach(file.fileno())


def test_a_descriptor_that_is_closed_is_refused() -> None:
    """A worker started without its descriptor says so."""
    read, write = os.pipe()
    os.close(read)
    os.close(write)
    with pytest.raises(StartError, match=f"descriptor {read} is no shared memory"):
        NodeMemory.attach(read)


def test_sizes_that_make_no_sense_are_refused() -> None:
    """No workers, too many, or a secret of another length is a mistake of the caller."""
    for workers in (0, 257):
        with pytest.raises(ValueError, match="workers"):
            NodeMemory.create(SIZES._replace(workers=workers), SECRET)
    with pytest.raises(ValueError, match="secret"):
        NodeMemory.create(SIZES, b"short")


def test_more_than_the_machine_has_stops_the_start() -> None:
    """Memory that is not there is named at the start, before any of it is claimed."""
    with pytest.raises(StartError, match=r"the machine has \d MiB to give"):
        NodeMemory.create(SIZES, SECRET, lambda: layout(SIZES)[1] - 1)
    NodeMemory.create(SIZES, SECRET, lambda: layout(SIZES)[1]).close()
    assert 2**20 < available_memory() < 2**50


def test_memory_the_system_refuses_stops_the_start() -> None:
    """A limit of the system on the size of files is told as such, and the descriptor is given back."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_FSIZE, (PAGE, hard))
    try:
        with pytest.raises(StartError, match=r"no shared memory of \d MiB: File too large"):
            NodeMemory.create(SIZES, SECRET)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    again = os.dup(0)
    os.close(again)
    assert again == free
