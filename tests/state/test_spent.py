"""Spent puzzles: once is once, with several real processes racing for the same ones."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from shieldproxy.state.memory import NodeMemory, Region, Sizes
from shieldproxy.state.slots import WAYS, SlotTable
from shieldproxy.state.spent import GRACE, SpentTable
from tests.contracts import check_puzzles

PREPARE = """
import sys
from shieldproxy.state.memory import NodeMemory, Region
from shieldproxy.state.slots import SlotTable
from shieldproxy.state.spent import SpentTable
memory = NodeMemory.attach(int(sys.argv[1]))
start = memory.lock_start(Region.SPENT)
table = SlotTable(memory.region(Region.SPENT), int(sys.argv[2]))
spent = SpentTable(table, memory.secret, lock_file=memory.fd, lock_start=start)
print("ready", flush=True)
sys.stdin.readline()
"""
RACERS, ROUNDS = 3, 150
# Before each puzzle the racers wait for each other, and each hesitates between looking and marking: whoever did this in
# two steps would be caught every time.
RACE = f"""
import os, time
class Hesitating(SlotTable):
    def get(self, name):
        moment = super().get(name)
        time.sleep(0.0003)
        return moment
spent._table = Hesitating(memory.region(Region.SPENT), int(sys.argv[2]))
rounds = memory.region(Region.TALLIES).cast("Q")
won = []
for number in range({ROUNDS}):
    rounds[int(sys.argv[2])] = number
    while min(rounds[:{RACERS}].tolist()) < number:
        os.sched_yield()
    if spent.spend_once(f"{{number:032x}}", 2000.0, 1000.0):
        won.append(number)
rounds[int(sys.argv[2])] = {ROUNDS}
print(*won, flush=True)
"""
HOLD = """
import fcntl
fcntl.lockf(memory.fd, fcntl.LOCK_EX, table.capacity, start)
print("holding", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def memory() -> Iterator[NodeMemory]:
    """A node's memory with 4,096 slots for spent puzzles."""
    made = NodeMemory.create(Sizes(buckets=8, bans=8, spent=4_096, workers=5), os.urandom(32))
    yield made
    made.close()


def spent_on(memory: NodeMemory) -> SpentTable:
    table = SlotTable(memory.region(Region.SPENT))
    return SpentTable(table, memory.secret, lock_file=memory.fd, lock_start=memory.lock_start(Region.SPENT))


def start(memory: NodeMemory, code: str, worker: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PREPARE + code, str(memory.fd), str(worker)],
        pass_fds=(memory.fd,),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def test_it_does_what_the_port_promises(memory: NodeMemory) -> None:
    """The contract of the port holds."""
    check_puzzles(spent_on(memory))


def test_of_all_workers_that_race_one_wins(memory: NodeMemory) -> None:
    """Three processes that present the same 150 puzzles in step accept each exactly once between them."""
    racers = [start(memory, RACE, worker) for worker in range(RACERS)]
    try:
        assert [line_of(racer) for racer in racers] == ["ready\n"] * RACERS
        for racer in racers:
            go(racer)
        accepted = Counter(number for racer in racers for number in line_of(racer).split())
    finally:
        for racer in racers:
            racer.kill()
            racer.communicate()
    assert accepted == Counter(str(number) for number in range(ROUNDS))


def test_a_worker_that_dies_with_the_lock_holds_nobody_up(memory: NodeMemory) -> None:
    """The kernel lifts the lock of a killed process; the next answer is judged at once."""
    holder = start(memory, HOLD, 1)
    try:
        assert line_of(holder) == "ready\n"
        go(holder)
        assert line_of(holder) == "holding\n"
        with pytest.raises(BlockingIOError):
            fcntl.lockf(memory.fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, memory.lock_start(Region.SPENT))
    finally:
        holder.kill()
        holder.communicate()
    assert spent_on(memory).spend_once("00", 2_000.0, 1_000.0)


def test_an_expired_puzzle_is_not_spent(memory: NodeMemory) -> None:
    """A puzzle at or beyond its expiry is refused, and takes no room."""
    spent = spent_on(memory)
    assert not spent.spend_once("00", 1_000.0, 1_000.0)
    assert spent.spend_once("00", 1_001.0, 1_000.0)


def test_a_clock_set_back_opens_no_puzzle_again(memory: NodeMemory) -> None:
    """Between a step forward and one back of less than the grace a spent puzzle stays spent."""
    spent = spent_on(memory)
    assert spent.spend_once("00", 1_010.0, 1_000.0)
    assert spent.spend_once("01", 2_000.0, 1_010.0 + GRACE - 1.0)
    assert not spent.spend_once("00", 1_010.0, 1_001.0)


def test_a_full_set_refuses_and_forgets_nothing() -> None:
    """Without room an answer is refused and counted; every puzzle that was accepted stays spent."""
    memory = NodeMemory.create(Sizes(buckets=8, bans=8, spent=WAYS, workers=1), os.urandom(32))
    try:
        spent = spent_on(memory)
        answers = [spent.spend_once(str(number), 2_000.0, 1_000.0) for number in range(20)]
        assert answers == [True] * WAYS + [False] * (20 - WAYS)
        assert spent.refusals == 20 - WAYS
        assert not any(spent.spend_once(str(number), 2_000.0, 1_000.0) for number in range(WAYS))
        assert spent.spend_once("later", 4_000.0, 2_000.0 + GRACE)
    finally:
        memory.close()
