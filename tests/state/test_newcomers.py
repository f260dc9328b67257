"""Newcomers: counted by workers in fixed tables, read by the node as what is new."""

from __future__ import annotations

from shieldproxy.core.excess import Counted, Deed
from shieldproxy.state.newcomers import NETWORKS, NodeNewcomers, WorkerNewcomers, bytes_for


def test_workers_are_added_up_and_only_news_is_told() -> None:
    """Each call returns what happened since the last one, whichever worker counted it."""
    cells = bytearray(bytes_for(2))
    workers, node = [WorkerNewcomers(cells, index) for index in range(2)], NodeNewcomers(cells)
    for worker in workers:
        worker.count(64500, Deed.PAGE)
        worker.count(64500, Deed.PART)
    workers[0].count(64501, Deed.ISSUED)
    assert node.news() == {64500: Counted(pages=2, parts=2), 64501: Counted(issued=1)}
    assert node.news() == {}
    workers[1].count(64501, Deed.PASSED)
    workers[1].count(64501, Deed.OTHER)
    assert node.news() == {64501: Counted(others=1, passed=1)}


def test_a_network_nobody_knows_is_counted_with_the_rest() -> None:
    """ASN 0 has no row of its own, and is told as 0."""
    cells = bytearray(bytes_for(1))
    node = NodeNewcomers(cells)
    WorkerNewcomers(cells, 0).count(0, Deed.PAGE)
    assert node.news() == {0: Counted(pages=1)}


def test_a_worker_that_starts_anew_counts_on() -> None:
    """What its predecessor counted is not told twice."""
    cells = bytearray(bytes_for(1))
    WorkerNewcomers(cells, 0).count(64500, Deed.PAGE)
    node = NodeNewcomers(cells)
    WorkerNewcomers(cells, 0).count(64500, Deed.PAGE)
    assert node.news() == {64500: Counted(pages=1)}


def test_a_full_table_counts_the_rest_together_and_begins_anew() -> None:
    """A flood from more networks than there is room for is still counted, to the last request."""
    cells = bytearray(bytes_for(1))
    worker, node = WorkerNewcomers(cells, 0), NodeNewcomers(cells)
    worker.turn()
    for asn in range(1, NETWORKS + 11):
        worker.count(asn, Deed.PAGE)
    news = node.news()
    assert news[0] == Counted(pages=10)
    assert sum(counted.pages for counted in news.values()) == NETWORKS + 10
    worker.turn()
    worker.count(99_999, Deed.PAGE)
    assert node.news() == {99_999: Counted(pages=1)}


def test_networks_are_not_mixed_up_when_a_table_begins_anew() -> None:
    """A row that is another network's now tells only that one's counts."""
    cells = bytearray(bytes_for(1))
    worker, node = WorkerNewcomers(cells, 0), NodeNewcomers(cells)
    for asn in range(1, NETWORKS + 1):
        for _ in range(3):
            worker.count(asn, Deed.PAGE)
    node.news()
    worker.turn()
    worker.count(2, Deed.PAGE)
    assert node.news() == {2: Counted(pages=1)}
