"""Workers as processes: started, told, heard, started again, and ended; played by small scripts."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from shieldproxy.app.orders import Allowed
from shieldproxy.core.errors import StartError
from shieldproxy.supervisor import workers as module
from shieldproxy.supervisor.workers import entry, wait_ready
from tests.supervisor.players import Play, Slot, until

OBEDIENT = "say({'ready': os.getpid()})\nwhile True:\n    order = hear()\n    say({'heard': len(order)})\n    if b'Drain' in order: break"
DIES = "sys.exit(3)"
BABBLES = "say({'ready': 1})\nsay(b'not json')\nhear()"
CONFUSED = "say({'ban': 'nobody'})\nsay({'ready': 1})\nhear()"
DEAF = "say({'ready': 1})\ntime.sleep(60)"
SILENT = "time.sleep(60)"


async def ready(slot: Slot) -> None:
    """Return once the slot accepts."""
    await wait_ready([slot.process], asyncio.Event())


async def test_a_worker_is_told_heard_and_ended(play: Play) -> None:
    """Its first order comes first, further ones follow, reports are heard, and it ends when told."""
    slot = play(OBEDIENT)
    await ready(slot)
    assert slot.process.alive
    assert slot.heard == [{"ready": slot.process.pid}]
    slot.process.order(Allowed(()))
    await until(lambda: len(slot.heard) == 2, "the order was heard")
    await slot.process.stop(5.0)
    assert not slot.process.alive
    assert slot.process.pid == 0
    assert (slot.process.restarts, slot.log.said) == (0, [])


async def test_a_worker_that_dies_is_started_again_and_again_more_slowly(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each death is told with its exit code, and each wait is twice as long, up to a bound."""
    monkeypatch.setattr(module, "FIRST_BACKOFF", 0.01)
    monkeypatch.setattr(module, "LONGEST_BACKOFF", 0.04)
    slot = play(DIES)
    await until(lambda: len(slot.log.said) >= 5, "five deaths")
    events = [fields for _, fields in slot.log.said[:5]]
    assert {(fields["worker"], fields["exit"]) for fields in events} == {(0, 3)}
    assert [fields["wait"] for fields in events] == [0.01, 0.02, 0.04, 0.04, 0.04]


async def test_a_node_does_not_start_with_a_worker_that_cannot(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for it to be ready is told after the second death, not after half a minute."""
    monkeypatch.setattr(module, "FIRST_BACKOFF", 0.01)
    slot = play(DIES)
    with pytest.raises(StartError, match="worker 0 ends as soon as it starts"):
        await ready(slot)


async def test_a_worker_that_says_nothing_is_not_waited_for_ever(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """The start fails with a sentence, and the process is ended."""
    monkeypatch.setattr(module, "START_TIMEOUT", 0.3)
    slot = play(SILENT)
    with pytest.raises(StartError, match=r"did not become ready within 0\.3 s"):
        await ready(slot)


async def test_waiting_ends_when_the_node_is_told_to_end(play: Play) -> None:
    """SIGTERM during the start is no failure."""
    slot = play(SILENT)
    stop = asyncio.Event()
    stop.set()
    await wait_ready([slot.process], stop)
    assert not slot.process.alive


async def test_a_system_that_cannot_start_processes_is_asked_again(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """No memory, no descriptors: told, waited, and tried again; the slot is not given up."""
    monkeypatch.setattr(module, "FIRST_BACKOFF", 0.01)
    python = sys.executable
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    slot = play(OBEDIENT)
    await until(lambda: len(slot.log.said) >= 2, "two attempts")
    assert "cannot be started" in slot.log.said[0][1]["why"]
    monkeypatch.setattr(sys, "executable", python)
    await until(lambda: slot.process.alive, "started after all")


async def test_a_worker_that_babbles_is_replaced(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no report ends the conversation, and with it the worker; another takes the slot."""
    monkeypatch.setattr(module, "FIRST_BACKOFF", 0.01)
    slot = play(BABBLES)
    await until(lambda: slot.process.restarts >= 2, "replaced")
    assert {"ready": 1} in slot.heard


async def test_a_report_that_makes_no_sense_is_passed_over(play: Play) -> None:
    """The supervisor says so and hears the next one."""
    slot = play(CONFUSED)
    await ready(slot)
    assert [event for event, _ in slot.log.said] == ["a worker made a report that cannot be read"]
    assert slot.process.restarts == 0


async def test_a_worker_that_does_not_end_is_killed(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node ends, whatever its workers do."""
    monkeypatch.setattr(module, "LAST_WORDS", 0.1)
    slot = play(DEAF)
    await ready(slot)
    await slot.process.stop(0.0)
    assert slot.process.pid == 0
    assert [event for event, _ in slot.log.said] == ["a worker did not end in time and is killed"]


async def test_a_worker_told_to_end_before_it_began_ends(play: Play) -> None:
    """Between the start of a process and its first word nothing is lost: it is told, and it ends."""
    slot = play(OBEDIENT)
    await asyncio.sleep(0)
    await slot.process.stop(5.0)
    assert slot.process.pid == 0
    assert slot.log.said == []


def test_a_worker_is_of_the_package_that_runs_here(tmp_path: Path) -> None:
    """Files in the folder where the operator stands are not taken for ours, nor for Python's."""
    for name in ("json.py", "shieldproxy.py", "asyncio.py"):
        (tmp_path / name).write_text("raise SystemExit('taken from the working directory')")
    *options, code = entry()
    probe = code.replace("main(sys.argv[1:])", "import shieldproxy; print(shieldproxy.__file__)")
    done = subprocess.run(
        (sys.executable, *options, probe), cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    assert Path(done.stdout.strip()).parent == Path(module.__file__).parent.parent
