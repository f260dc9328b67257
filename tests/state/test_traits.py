"""Traits counted: pages by what they share, in tables of fixed size, read by the node as what is new."""

from __future__ import annotations

import pytest

from shieldproxy.state.traits import FIRST, PENDING, ROWS, NodeTraits, WorkerTraits, bytes_for


def counted(worker: WorkerTraits, traits: tuple[str, ...]) -> None:
    """Count a page and let its second pass."""
    worker.count(traits)
    worker.turn()


def test_more_combinations_than_are_kept_are_shown_before_the_second_is_over() -> None:
    """Memory stays bounded, and no page is lost."""
    cells = bytearray(bytes_for(1))
    worker, node = WorkerTraits(cells, 0), NodeTraits(cells)
    for number in range(PENDING + 3):
        worker.count(("path /", f"agent {number % PENDING}"))
    assert node.news()["path /"] == PENDING
    worker.turn()
    assert node.news()["path /"] == 3


def test_workers_are_added_up_and_only_news_is_told() -> None:
    """Each call returns the pages since the last one, under '' all of them."""
    cells = bytearray(bytes_for(2))
    workers, node = [WorkerTraits(cells, index) for index in range(2)], NodeTraits(cells)
    for worker in workers:
        worker.count(("path /", "agent curl/8"))
    workers[1].count(("path /?",))
    for worker in workers:
        worker.turn()
    assert node.news() == {"": 3, "path /": 2, "agent curl/8": 2, "path /?": 1}
    assert node.news() == {}


def test_a_worker_that_starts_anew_counts_on() -> None:
    """What its predecessor counted is not told twice, and its rows are used again."""
    cells = bytearray(bytes_for(1))
    counted(WorkerTraits(cells, 0), ("path /",))
    node = NodeTraits(cells)
    counted(WorkerTraits(cells, 0), ("path /", "path /x"))
    assert node.news() == {"": 1, "path /": 1, "path /x": 1}


def test_a_full_table_counts_the_rest_by_kind_and_begins_anew() -> None:
    """A flood that makes up a path for each request is still counted, to the last page."""
    cells = bytearray(bytes_for(1))
    worker, node = WorkerTraits(cells, 0), NodeTraits(cells)
    room = ROWS - len(FIRST)
    worker.turn()
    for number in range(room + 7):
        worker.count((f"path /{number}",))
    worker.turn()
    news = node.news()
    assert news[""] == room + 7
    assert news["path"] == 7
    worker.turn()
    worker.count(("path /new", "agent curl/8"))
    counted(worker, ("path /new",))
    assert node.news() == {"": 2, "path /new": 2, "agent curl/8": 1}


def test_a_table_that_began_anew_is_not_taken_for_the_one_before() -> None:
    """A row that holds another text counts from nothing, however much it has."""
    cells = bytearray(bytes_for(1))
    worker, node = WorkerTraits(cells, 0), NodeTraits(cells)
    for number in range(ROWS):
        worker.count((f"path /{number}",))
    worker.turn()
    node.news()
    worker.turn()
    for _ in range(5):
        counted(worker, ("path /other",))
    assert node.news()["path /other"] == 5


def test_a_worker_without_a_table_is_told() -> None:
    """A number beyond the memory is a mistake of whoever wires the node."""
    with pytest.raises(ValueError, match="worker 1: there are 1 tables"):
        WorkerTraits(bytearray(bytes_for(1)), 1)
