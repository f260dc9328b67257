"""Beats: each worker's own number, seen by who shares the memory."""

from __future__ import annotations

from shieldproxy.state.beats import Beats, bytes_for


def test_each_worker_counts_for_itself() -> None:
    """What one says is seen through another view of the same memory, and changes no neighbour."""
    memory = bytearray(bytes_for(3))
    worker, supervisor = Beats(memory), Beats(memory)
    for _ in range(3):
        worker.beat(1)
    assert [supervisor.count(index) for index in range(3)] == [0, 3, 0]


def test_a_number_that_is_full_begins_anew() -> None:
    """A count that a damaged memory left at its end is no end of the worker."""
    memory = bytearray(b"\xff" * bytes_for(1))
    Beats(memory).beat(0)
    assert Beats(memory).count(0) == 0


def test_memory_of_odd_length_has_room_for_whole_numbers() -> None:
    """What is left over at the end of a page stands for nobody."""
    assert Beats(bytearray(bytes_for(2) + 5)).count(1) == 0
