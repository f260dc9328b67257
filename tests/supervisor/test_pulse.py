"""The pulse: a worker that is stuck is found, named and replaced; one that is slow, starved or suspended is not."""

from __future__ import annotations

import asyncio
import mmap
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable

import pytest

from shieldproxy.state.beats import Beats
from shieldproxy.supervisor import pulse as module
from shieldproxy.supervisor import workers
from shieldproxy.supervisor.pulse import Pulse
from shieldproxy.supervisor.workers import wait_ready
from tests.supervisor.players import Play, Slot, until

# A worker that shows its beats in the memory it was given; and says where it is when it is asked.
BEATS = """
import faulthandler, mmap, signal
cells = memoryview(mmap.mmap(int(sys.argv[2]), 4096)).cast("Q")
def beat():
    cells[0] += 1
faulthandler.register(signal.SIGUSR1, file=int(sys.argv[4]), all_threads=True)
beat()
say({'ready': os.getpid()})
"""
WELL = BEATS + "while True:\n    time.sleep(0.02)\n    beat()"
SPINS = BEATS + "def circle():\n    while True: pass\ncircle()"
SLEEPS = BEATS + "def wait():\n    hear()\n    hear()\nwait()"


class Watched:
    """A slot under a pulse that looks every 50 ms, and takes half a second of silence for too much."""

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.pid = 0
        shared = mmap.mmap(slot.memory, 4_096)
        self.beats = Beats(memoryview(shared))
        self.pulse = Pulse(self.beats, [slot.process], clock=time.monotonic, log=slot.log)

    async def ready(self) -> None:
        """Return once the worker accepts."""
        await wait_ready([self.slot.process], asyncio.Event())
        self.pid = self.slot.process.pid

    async def look_until(self, holds: Callable[[], object], what: str) -> None:
        """Look until something holds."""
        end = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < end, f"never: {what}"
            await self.pulse.look()
            await asyncio.sleep(0.05)

    @property
    def said(self) -> list[str]:
        """What was said, without its particulars."""
        return self.slot.log.events

    @property
    def silent(self) -> float:
        """How long the worker is silent, as the pulse knows it."""
        return self.pulse._known[0][1].seconds


@pytest.fixture
def watch(play: Play, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Awaitable[Watched]]:
    """A function that begins a player, watched."""
    monkeypatch.setattr(module, "STUCK", 0.5)
    monkeypatch.setattr(module, "MOST", 0.1)
    monkeypatch.setattr(workers, "FIRST_BACKOFF", 0.01)

    async def begin(script: str) -> Watched:
        slot = play(script)
        os.ftruncate(slot.memory, 4_096)
        watched = Watched(slot)
        await watched.ready()
        return watched

    return begin


Watch = Callable[[str], Awaitable[Watched]]


@pytest.mark.parametrize(
    ("script", "doing", "innermost"), [(SPINS, "working", "circle"), (SLEEPS, "waiting for a call to return", "take")]
)
async def test_a_stuck_worker_is_named_and_replaced(watch: Watch, script: str, doing: str, innermost: str) -> None:
    """One line says which, for how long, what it does and where; its successor fills the slot."""
    watched = await watch(script)
    await watched.look_until(lambda: watched.said, "said")
    event, told = watched.slot.log.said[0]
    assert event == "a worker is stuck and is ended"
    assert (told["worker"], told["pid"], told["doing"]) == (0, watched.pid, doing)
    assert told["silent"] >= 0.5
    assert told["where"].split()[1] == innermost
    await until(lambda: watched.slot.process.pid not in (0, watched.pid), "another process")
    assert watched.said[1] == "a worker ended and is started again"
    assert watched.slot.log.said[1][1]["exit"] == -signal.SIGKILL


async def test_a_stopped_worker_is_replaced(watch: Watch) -> None:
    """SIGSTOP leaves a process that lives and does nothing; it is ended without being asked where it is."""
    watched = await watch(WELL)
    await watched.look_until(lambda: self_known(watched), "seen")
    os.kill(watched.pid, signal.SIGSTOP)
    await watched.look_until(lambda: watched.said, "said")
    told = watched.slot.log.said[0][1]
    assert (told["doing"], told["where"]) == ("stopped by a signal", "")
    await until(lambda: watched.slot.process.pid not in (0, watched.pid), "another process")


def self_known(watched: Watched) -> bool:
    """Tell whether the pulse has seen the worker."""
    return watched.pulse._known.get(0, (0, None))[0] == watched.pid


async def test_a_worker_that_is_well_is_left_alone(watch: Watch) -> None:
    """As often as it is looked at."""
    watched = await watch(WELL)
    for _ in range(60):
        await watched.pulse.look()
        await asyncio.sleep(0.02)
    assert watched.said == []
    assert watched.slot.process.pid == watched.pid


async def test_a_worker_that_comes_round_while_it_is_asked_is_left_alone(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slow is not stuck: it is told, with the place, and nobody is ended."""
    watched = await watch(SLEEPS)
    ask = watched.slot.process.whereabouts

    async def ask_and_beat() -> str:
        found = await ask()
        watched.beats.beat(0)
        return found

    monkeypatch.setattr(watched.slot.process, "whereabouts", ask_and_beat)
    await watched.look_until(lambda: watched.said, "said")
    assert watched.said == ["a worker was stuck for a while"]
    assert " wait < " in watched.slot.log.said[0][1]["where"]
    assert watched.slot.process.pid == watched.pid


async def test_a_starved_worker_is_left_alone(watch: Watch) -> None:
    """It shares one processor with somebody who takes all of it, and is silent for that reason alone."""
    watched = await watch(WELL)
    await watched.look_until(lambda: self_known(watched), "seen")
    processor = min(os.sched_getaffinity(watched.pid))
    os.sched_setaffinity(watched.pid, {processor})
    os.sched_setscheduler(watched.pid, os.SCHED_IDLE, os.sched_param(0))
    hog = f"import os\nos.sched_setaffinity(0, {{{processor}}})\nwhile True: pass"
    hogs = [await asyncio.create_subprocess_exec(sys.executable, "-c", hog) for _ in range(3)]
    try:
        begun, longest = time.monotonic(), 0.0
        while time.monotonic() < begun + 6.0:
            await watched.pulse.look()
            longest = max(longest, watched.silent)
            await asyncio.sleep(0.05)
    finally:
        for process in hogs:
            process.kill()
            await process.wait()
    assert watched.said == []
    assert longest < module.STUCK
    assert watched.slot.process.pid == watched.pid


async def test_a_machine_that_was_suspended_makes_nobody_look_stuck(watch: Watch) -> None:
    """Both were held for a second, and the supervisor is the first to go on: one look counts no more than one look."""
    watched = await watch(WELL)
    await watched.look_until(lambda: self_known(watched), "seen")
    os.kill(watched.pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(1.0)
        await watched.pulse.look()
        await watched.pulse.look()
    finally:
        os.kill(watched.pid, signal.SIGCONT)
    await watched.look_until(lambda: watched.silent == 0.0, "it beats again")
    assert watched.said == []


async def test_a_worker_that_starts_has_longer(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it accepts it may read from a slow disk; then it counts as stuck too."""
    monkeypatch.setattr(module, "MOST", 0.1)
    monkeypatch.setattr(module, "STUCK", 0.3)
    monkeypatch.setattr(module, "STUCK_AT_START", 1.0)
    slot = play("time.sleep(60)")
    os.ftruncate(slot.memory, 4_096)
    watched = Watched(slot)
    await until(lambda: slot.process.pid, "begun")
    await watched.look_until(
        lambda: watched.pulse._known and watched.silent > 0.4, "longer silent than a ready one may"
    )
    assert watched.said == []
    await watched.look_until(lambda: watched.said, "said")
    assert watched.slot.log.said[0][1]["silent"] >= 1.0


async def test_a_killed_worker_that_the_kernel_holds_has_a_successor(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process in a call that cannot be interrupted does not end when it is killed; its visitors do not wait for it."""
    monkeypatch.setattr(workers, "GONE", 0.1)
    watched = await watch(SPINS)
    monkeypatch.setattr(asyncio.subprocess.Process, "kill", lambda _: None)
    await watched.look_until(lambda: watched.said, "said")
    await until(lambda: watched.slot.process.pid not in (0, watched.pid), "another process")
    monkeypatch.undo()
    os.kill(watched.pid, signal.SIGKILL)  # the kernel lets go of it
    assert "a worker that was killed is still there, held by the kernel" in watched.said
