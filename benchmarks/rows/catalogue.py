"""The rows of the table in their order, by the name under which one of them is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.comparison import Bench
from benchmarks.rows.comparisons import against_peers, two_workers, wrong_answers
from benchmarks.rows.crowd import crowd
from benchmarks.rows.finding import Result, left_out
from benchmarks.rows.latency import latency
from benchmarks.rows.memory import memory
from benchmarks.rows.offload import offload
from benchmarks.rows.records import records
from benchmarks.rows.start import start
from benchmarks.rows.tables import crowd_in_memory, one_site

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

COMPARED = ("pass", "deny", "challenge")
MEASURED: Mapping[str, Callable[[Bench], Result]] = {
    "answers": wrong_answers,
    "offload": offload,
    "workers": two_workers,
    "crowd": crowd,
    "tables": crowd_in_memory,
    "networks": one_site,
    "records": records,
    "start": start,
    "latency": latency,
    "memory": memory,
}
ROWS = (*COMPARED, *MEASURED)


def measure_row(name: str, peers: Sequence[str], bench: Bench) -> Result:
    """Measure one row. Whatever goes wrong in it is said in its line, and the others are measured all the same."""
    try:
        return against_peers(name, peers, bench) if name in COMPARED else MEASURED[name](bench)
    except Exception as error:  # noqa: BLE001 - an hour's table is not lost because one row met a full disk
        return Result([left_out(name, name, "", f"{type(error).__name__}: {error}"[:300])])
