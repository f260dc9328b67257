"""Row: from the command to the line that says the node is ready."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from benchmarks.comparison import room_in
from benchmarks.node import Node
from benchmarks.rows.finding import Result, at_most

if TYPE_CHECKING:
    from benchmarks.comparison import Bench

STARTS = 5
READY_S = 0.7


def start(bench: Bench) -> Result:
    """The median of a few starts, files and byte code already in memory, all cores its own."""
    seconds = []
    for number in range(1, STARTS + 1):
        bench.tell(f"start: {number} of {STARTS}")
        with room_in(bench.space, "start") as room, Node(room, bench.cores.server | bench.cores.load) as node:
            seconds.append(node.ready_s)
    note = f"median of {STARTS}, from {min(seconds):.2f} to {max(seconds):.2f}"
    return Result([at_most("start", "start to ready, s", median(seconds), READY_S, note=note)])
