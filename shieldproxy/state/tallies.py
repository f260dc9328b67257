"""Tallies: what each worker counts in cells of its own, and what the node reads as one.

A worker writes only its own row, so nothing is locked and nothing is lost; whoever reads adds the rows up. Rows outlive
their workers: a worker that starts anew counts on, and no counter ever runs back. Cells are float64, exact for whole
numbers up to 9e15.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from shieldproxy.core.clearance import KINDS
from shieldproxy.core.puzzles import Outcome
from shieldproxy.core.stages import STAGE_NAMES
from shieldproxy.core.verdict import Action
from shieldproxy.state import hitters
from shieldproxy.state.hitters import HeavyHitters, Network

# Seconds; the usual bounds of HTTP, a millisecond finer at the low end because our own answers take less than one.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# What happens to a challenge: it is issued, and every answer has an outcome.
RESULTS = ("issued", *(outcome.value for outcome in Outcome))
PLAIN = (
    "misnamed",  # counts given under a name that is not in this list
    "connections",
    "connections_closed",
    "connections_refused",
    "handshakes",
    "handshakes_refused",
    "handshakes_failed",
    "tunnels",
    "bytes_in",
    "bytes_out",
    "timeouts",
    "malformed",
    "faults",
    "offences",
    "bans",
    "clearances_given",
    "clearances_refused",
    "cleared_refused",
    "puzzles_not_kept",
    "origin_connections",
    "origin_errors",
    "origin_timeouts",
    "origin_retries",
    "origin_paced",
    "stale_kept",
    "stale_served",
    "stale_displaced",
    "journal_records",
    "journal_lost",
    "log_lines_lost",
    "lookups_degraded",
    "robots_confirmed",
    "robots_refuted",
    "robots_unanswered",
    "robots_left_out",
    "offload_dropped",
    "offload_errors",
)


def challenge_counter(kind: str, result: str) -> str:
    """Return the counter of challenges of ``kind`` (``proof-of-work``, ``form``) that ended in ``result``."""
    return f"challenges.{kind}.{result}"


CHALLENGES = {challenge_counter(kind, result): (kind.value, result) for kind, result in product(KINDS, RESULTS)}
COUNTERS = (*PLAIN, *CHALLENGES)
STAGES = len(STAGE_NAMES)
BUCKETS = len(BOUNDS) + 1

# A row, cell by cell: requests, two histograms (counts, then seconds in all), counters, then the heavy networks behind
# a number that is odd while they are being written.
REQUESTS = 0
REQUEST_SECONDS = REQUESTS + len(Action) * STAGES
ORIGIN_SECONDS = REQUEST_SECONDS + BUCKETS + 1
NAMED = ORIGIN_SECONDS + BUCKETS + 1
EDITION = NAMED + len(COUNTERS)
NETWORKS = EDITION + 1
NETWORK_CELLS = 3 + hitters.ACTIONS  # in use, ASN, inherited, requests by action
ROW = -(-(NETWORKS + NETWORK_CELLS * hitters.KEPT) // 8) * 8  # whole cache lines
ROW_BYTES = ROW * 8
# A worker writes its networks in about a microsecond once a second; nobody meets it twice.
READ_TRIES = 4
MICROSECOND = 1e-6
PLACES = {name: NAMED + index for index, name in enumerate(COUNTERS)}
BOUNDS_US = [round(bound / MICROSECOND) for bound in BOUNDS]


def bytes_for(workers: int) -> int:
    """Return how many bytes the rows of ``workers`` take."""
    return workers * ROW_BYTES


class Histogram(NamedTuple):
    """Durations in buckets: ``counts`` has one entry for each of ``bounds`` (seconds, inclusive) and one beyond.

    Entries are not cumulative. ``seconds`` is the sum of all durations.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    seconds: float


class Totals(NamedTuple):
    """All that the workers of a node counted since it started.

    ``requests`` is by (action, stage) and ``challenges`` by (kind, result), without zeros; ``counters`` has every
    name of the list but challenges; ``networks`` are requests by action for the heaviest ASNs.
    """

    requests: Mapping[tuple[str, str], int]
    request_duration: Histogram
    origin_duration: Histogram
    challenges: Mapping[tuple[str, str], int]
    counters: Mapping[str, float]
    networks: Mapping[int, tuple[int, ...]]


class WorkerTallies:
    """The port ``Tallies`` of one worker, numbered ``worker``; ``publish`` shows its networks to the node."""

    def __init__(self, buffer: memoryview | bytearray, worker: int) -> None:
        self._cells = _row(buffer, worker)
        self._hitters = HeavyHitters(_networks(self._cells))
        self._cells[EDITION] += self._cells[EDITION] % 2  # an earlier worker may have died while it wrote

    def count_verdict(self, action: int, stage: int, duration_us: int) -> None:
        """Count one settled request: ``stage`` is its place in core's STAGE_NAMES."""
        cells = self._cells
        cells[REQUESTS + action * STAGES + stage] += 1.0
        cells[REQUEST_SECONDS + bisect_left(BOUNDS_US, duration_us)] += 1.0
        cells[REQUEST_SECONDS + BUCKETS] += duration_us * MICROSECOND

    def count_origin(self, duration_us: int) -> None:
        """Count one answer of the origin and how long it took."""
        cells = self._cells
        cells[ORIGIN_SECONDS + bisect_left(BOUNDS_US, duration_us)] += 1.0
        cells[ORIGIN_SECONDS + BUCKETS] += duration_us * MICROSECOND

    @property
    def origin_answers(self) -> int:
        """How many answers of the origin this row has counted."""
        return int(sum(self._cells[ORIGIN_SECONDS : ORIGIN_SECONDS + BUCKETS]))

    def count(self, name: str, amount: float = 1.0) -> None:
        """Add to the counter ``name``; a name not in COUNTERS adds to ``misnamed``: counting never raises."""
        self._cells[PLACES.get(name, NAMED)] += amount

    def count_asn(self, asn: int, action: int) -> None:
        """Count one request of a network; only the heaviest are kept."""
        self._hitters.count(asn, action)

    def heaviest(self) -> tuple[int, ...]:
        """Return the ASNs that are counted one by one, as of the last ``publish``."""
        return tuple(network.asn for network in self._hitters.networks())

    def publish(self) -> None:
        """Show the networks counted so far to the node; once a second is often enough."""
        self._hitters.merge()
        flat = array("d")
        for network in self._hitters.networks():
            flat.extend((1.0, network.asn, network.inherited, *network.actions))
        cells = self._cells
        cells[EDITION] += 1.0
        cells[NETWORKS : NETWORKS + len(flat)] = memoryview(flat)
        cells[EDITION] += 1.0


def read_totals(buffer: memoryview | bytearray) -> Totals:
    """Return what all workers counted, the rows of ``buffer`` added up."""
    rows = [_row(buffer, worker) for worker in range(len(buffer) // ROW_BYTES)]
    cells = [sum(column) for column in zip(*(row[:EDITION].tolist() for row in rows), strict=True)]
    requests = {
        (action.word, stage): int(count)
        for (action, stage), count in zip(product(Action, STAGE_NAMES), cells, strict=False)
        if count
    }
    challenges = {pair: int(cells[PLACES[name]]) for name, pair in CHALLENGES.items() if cells[PLACES[name]]}
    counters = {name: cells[PLACES[name]] for name in PLAIN}
    return Totals(
        requests,
        _histogram(cells, REQUEST_SECONDS),
        _histogram(cells, ORIGIN_SECONDS),
        challenges,
        counters,
        _add_networks(rows),
    )


def asn_counts(buffer: memoryview | bytearray) -> Mapping[int, tuple[int, ...]]:
    """Return requests by action for the heaviest ASNs of all workers, as last published."""
    return _add_networks(_row(buffer, worker) for worker in range(len(buffer) // ROW_BYTES))


def _row(buffer: memoryview | bytearray, worker: int) -> memoryview[float]:
    if not 0 <= worker < len(buffer) // ROW_BYTES:
        raise ValueError(f"worker {worker}: there are {len(buffer) // ROW_BYTES} rows")
    return memoryview(buffer)[worker * ROW_BYTES : (worker + 1) * ROW_BYTES].cast("d")


def _histogram(cells: list[float], start: int) -> Histogram:
    counts = tuple(int(count) for count in cells[start : start + BUCKETS])
    return Histogram(BOUNDS, counts, cells[start + BUCKETS])


def _networks(row: memoryview[float]) -> tuple[Network, ...]:
    cells: Sequence[float] = ()
    for _ in range(READ_TRIES):
        edition = row[EDITION]
        cells = row[NETWORKS : NETWORKS + NETWORK_CELLS * hitters.KEPT].tolist()
        if edition % 2 == 0 and row[EDITION] == edition:
            break
    chunks = (cells[at : at + NETWORK_CELLS] for at in range(0, len(cells), NETWORK_CELLS))
    return tuple(Network(int(asn), inherited, tuple(actions)) for used, asn, inherited, *actions in chunks if used)


def _add_networks(rows: Iterable[memoryview[float]]) -> dict[int, tuple[int, ...]]:
    added: dict[int, tuple[int, ...]] = {}
    for row in rows:
        for network in _networks(row):
            so_far = added.get(network.asn, (0,) * hitters.ACTIONS)
            added[network.asn] = tuple(int(a + b) for a, b in zip(so_far, network.actions, strict=True))
    return added
