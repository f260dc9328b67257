"""Tallies: rows of cells that add up, whoever dies."""

from __future__ import annotations

import pytest

from shieldproxy.core.ports import Tallies
from shieldproxy.core.stages import STAGE_NAMES
from shieldproxy.core.verdict import Action
from shieldproxy.state.tallies import (
    BOUNDS,
    COUNTERS,
    EDITION,
    PLAIN,
    WorkerTallies,
    asn_counts,
    bytes_for,
    challenge_counter,
    read_totals,
)


def test_workers_add_up() -> None:
    """Requests of two workers are one number by action and stage; what never happened is not listed."""
    memory = bytearray(bytes_for(2))
    workers = [WorkerTallies(memory, 0), WorkerTallies(memory, 1)]
    port: Tallies = workers[0]
    port.count_verdict(Action.ADMIT, STAGE_NAMES.index("admit"), 500)
    for worker in workers:
        worker.count_verdict(Action.DROP, STAGE_NAMES.index("banned"), 20)
    totals = read_totals(memory)
    assert totals.requests == {("admit", "admit"): 1, ("drop", "banned"): 2}
    assert sum(totals.request_duration.counts) == 3
    assert totals.request_duration.seconds == pytest.approx(540e-6)


def test_every_action_and_stage_has_its_own_cell() -> None:
    """No two pairs share a cell, and no cell runs into the next table of the row."""
    memory = bytearray(bytes_for(1))
    worker = WorkerTallies(memory, 0)
    for action in Action:
        for stage in range(len(STAGE_NAMES)):
            for _ in range(1 + int(action) * len(STAGE_NAMES) + stage):
                worker.count_verdict(action, stage, 0)
    expected = {
        (action.word, name): 1 + int(action) * len(STAGE_NAMES) + stage
        for action in Action
        for stage, name in enumerate(STAGE_NAMES)
    }
    totals = read_totals(memory)
    assert totals.requests == expected
    assert totals.request_duration.counts[0] == sum(expected.values())
    assert set(totals.counters.values()) == {0.0}


def test_durations_fall_into_the_bucket_whose_bound_holds_them() -> None:
    """A bound is inclusive, as Prometheus reads it; beyond the last there is one more bucket."""
    memory = bytearray(bytes_for(1))
    worker = WorkerTallies(memory, 0)
    for bound in BOUNDS:
        worker.count_origin(round(bound * 1e6))
    worker.count_origin(round(BOUNDS[-1] * 1e6) + 1)
    histogram = read_totals(memory).origin_duration
    assert histogram.bounds == BOUNDS
    assert histogram.counts == (1,) * (len(BOUNDS) + 1)
    assert histogram.seconds == pytest.approx(sum(BOUNDS) + 10.000001)
    assert read_totals(memory).request_duration.counts == (0,) * (len(BOUNDS) + 1)


def test_every_counter_counts_for_itself() -> None:
    """Each name of the list adds to its own cell, challenges by kind and result."""
    memory = bytearray(bytes_for(1))
    worker = WorkerTallies(memory, 0)
    for amount, name in enumerate(COUNTERS, start=1):
        worker.count(name, amount)
    totals = read_totals(memory)
    assert totals.counters == {name: float(amount) for amount, name in enumerate(PLAIN, start=1)}
    assert sum(totals.challenges.values()) == sum(range(len(PLAIN) + 1, len(COUNTERS) + 1))
    worker.count(challenge_counter("form", "too_early"), 1_000)
    assert read_totals(memory).challenges["form", "too_early"] == totals.challenges["form", "too_early"] + 1_000


def test_a_name_that_is_none_is_counted_as_such() -> None:
    """Counting never stops a request: a name nobody knows shows up as misnamed."""
    memory = bytearray(bytes_for(1))
    WorkerTallies(memory, 0).count("no such counter", 2.0)
    assert read_totals(memory).counters["misnamed"] == 2.0


def test_networks_are_shown_by_publishing() -> None:
    """What each worker published is added up by ASN and action."""
    memory = bytearray(bytes_for(2))
    workers = [WorkerTallies(memory, 0), WorkerTallies(memory, 1)]
    for worker in workers:
        worker.count_asn(64_496, Action.DROP)
        worker.count_asn(0, Action.ADMIT)
    assert asn_counts(memory) == {}
    workers[0].publish()
    assert asn_counts(memory) == {64_496: (0, 0, 0, 0, 1), 0: (1, 0, 0, 0, 0)}
    workers[1].publish()
    assert read_totals(memory).networks == {64_496: (0, 0, 0, 0, 2), 0: (2, 0, 0, 0, 0)}


def test_a_worker_that_starts_anew_counts_on() -> None:
    """No counter runs back when a worker dies, be it while it publishes."""
    memory = bytearray(bytes_for(1))
    first = WorkerTallies(memory, 0)
    first.count("bans")
    first.count_asn(64_496, Action.DROP)
    first.publish()
    first._cells[EDITION] += 1.0
    second = WorkerTallies(memory, 0)
    assert second._cells[EDITION] % 2 == 0
    second.count("bans")
    second.count_asn(64_496, Action.DROP)
    second.publish()
    totals = read_totals(memory)
    assert totals.counters["bans"] == 2.0
    assert totals.networks == {64_496: (0, 0, 0, 0, 2)}


def test_a_worker_has_a_row() -> None:
    """A number beyond the rows is a mistake of the caller."""
    with pytest.raises(ValueError, match="worker 2"):
        WorkerTallies(bytearray(bytes_for(2)), 2)


def test_a_worker_knows_whom_it_counts_one_by_one() -> None:
    """Those that were published, so that names are told of no more than are listed."""
    worker = WorkerTallies(bytearray(bytes_for(1)), 0)
    worker.count_asn(64500, Action.ADMIT)
    assert worker.heaviest() == ()
    worker.publish()
    assert worker.heaviest() == (64500,)
