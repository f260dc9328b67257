"""The measurement: A B C, A B C, ... each server started anew, warmed, measured and ended in each round."""

from __future__ import annotations

import http.client
import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.browser import FIELDS
from benchmarks.cores import children_seconds, machine_seconds, processor_seconds
from benchmarks.floors import SUBJECT
from benchmarks.generators import GeneratorError, run_load
from benchmarks.loopback import loopback_target
from benchmarks.origin import Origin
from benchmarks.peers import ALL, Peer, Task
from benchmarks.processes import StartError
from benchmarks.quiet import QUIET, wait_for_quiet
from benchmarks.reading import Reading, Round

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Self

    from benchmarks.cores import Cores
    from benchmarks.scenarios import Scenario


MEMORY = Path("/dev/shm")  # tmpfs on every Linux of today
LOG_BYTES_A_SECOND = 150_000_000  # 200,000 refusals a second with a line of 750 bytes

SETTLE_SECONDS = 10.0
TAKES = 3  # of a round that others disturbed, for those who wait for quiet


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the measurement may take."""

    rounds: int
    seconds: float
    warm_up: float
    patience: float = 0.0
    """Seconds to wait at most before each round until the machine is quiet."""


@dataclass(slots=True)
class Outcome:
    """All rounds of one scenario, by server, and why some servers are not among them."""

    scenario: Scenario
    rounds: dict[str, list[Round]] = field(default_factory=dict)
    ready_s: dict[str, list[float]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Meter:
    """One look at all clocks."""

    server: float
    origin: float
    load: float
    machine: float
    clock: float

    @classmethod
    def read(cls, server: int, origin: int) -> Self:
        """Processor seconds so far of two process trees, of finished generators and of the machine; and the time."""
        return cls(
            processor_seconds(server),
            processor_seconds(origin),
            children_seconds(),
            machine_seconds(),
            time.monotonic(),
        )


class WrongAnswerError(RuntimeError):
    """A server did not do what the scenario asks, so its figures would mean nothing."""


@dataclass(frozen=True, slots=True)
class Bench:
    """Where and how long is measured, and whom to tell what is going on."""

    pace: Pace
    cores: Cores
    space: Path
    """Where servers write their logs while they are measured."""
    tell: Callable[[str], None]


def choose_space(pace: Pace) -> Path:
    """Memory where it has the room, so that no server's figure is that of the disk; else the usual place."""
    wanted = LOG_BYTES_A_SECOND * (pace.seconds + pace.warm_up)
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > wanted:
        return MEMORY
    return Path(tempfile.gettempdir())


def compare(scenario: Scenario, names: Sequence[str], bench: Bench) -> Outcome:
    """Measures one scenario. A server that is missing, does not start or answers wrongly is left out with a word."""
    outcome = Outcome(scenario)
    for name in names:
        reason = ALL[name].missing() or ("" if scenario.shape in ALL[name].shapes else "has no such function")
        if reason:
            outcome.left_out[name] = reason
    page = challenge_page(bench) if scenario.shape == "challenge" else b""
    with room_in(bench.space, "origin") as room, Origin(room, bench.cores.origin) as origin:
        task = Task(scenario.shape, origin.url, bench.cores.server, scenario.workers, page)
        for number in range(1, bench.pace.rounds + 1):
            for name in names:
                if name not in outcome.left_out:
                    bench.tell(f"{scenario.name}: round {number} of {bench.pace.rounds}, {name}")
                    _add_round(outcome, name, task, origin, bench)
    return outcome


def challenge_page(bench: Bench) -> bytes:
    """The page that shieldproxy gives to a stranger, for those who serve it as a file."""
    with room_in(bench.space, SUBJECT) as room:
        peer = ALL[SUBJECT](Task("challenge", "http://127.0.0.1:9", bench.cores.server), room)
        try:
            peer.start()
            return _ask(peer.url + "/page.html")[1]
        finally:
            peer.stop()


def _add_round(outcome: Outcome, name: str, task: Task, origin: Origin, bench: Bench) -> None:
    with room_in(bench.space, name) as room:
        peer = ALL[name](task, room)
        began = time.monotonic()
        try:
            peer.start()
            ready = time.monotonic() - began
            measured = measure(peer, outcome.scenario, origin, bench)
        except (StartError, GeneratorError, WrongAnswerError, LookupError, OSError) as error:
            outcome.left_out[name] = str(error)
        else:
            outcome.rounds.setdefault(name, []).append(measured)
            outcome.ready_s.setdefault(name, []).append(ready)
        finally:
            peer.stop()


def measure(peer: Peer, scenario: Scenario, origin: Origin, bench: Bench) -> Round:
    """One round; with patience, the quietest of up to TAKES, and the first that is quiet at once."""
    _settle(peer.pid)
    if scenario.form is not None:
        scenario = replace(scenario, load=replace(scenario.load, form=scenario.form(peer.url)))
    takes: list[Round] = []
    for _ in range(TAKES if bench.pace.patience else 1):
        wait_for_quiet(bench.pace.patience)
        takes.append(_take(peer, scenario, origin, bench))
        if takes[-1].noise <= QUIET:
            break
    return min(takes, key=lambda one: one.noise)


def _take(peer: Peer, scenario: Scenario, origin: Origin, bench: Bench) -> Round:
    run_load(peer.url, scenario.load, bench.pace.warm_up, bench.cores.load)
    _expect(peer, scenario)
    before = Meter.read(peer.pid, origin.pid)
    reading = run_load(peer.url, scenario.load, bench.pace.seconds, bench.cores.load)
    after = Meter.read(peer.pid, origin.pid)
    _expect(peer, scenario)
    complaint = scenario.complaint(peer.name, reading.refused, reading.requests)
    if complaint:
        raise WrongAnswerError(complaint)
    return _round(reading, before, after)


def _settle(pid: int) -> None:
    """Waits, at most SETTLE_SECONDS, until a server that has just started does nothing: its start is not its work."""
    give_up = time.monotonic() + SETTLE_SECONDS
    used = -1.0
    while (now := processor_seconds(pid)) - used > 0.01 and time.monotonic() < give_up:
        used = now
        time.sleep(0.3)


def _round(reading: Reading, before: Meter, after: Meter) -> Round:
    server, origin, load = after.server - before.server, after.origin - before.origin, after.load - before.load
    return Round(
        reading,
        server_cpu=server,
        origin_cpu=origin,
        load_cpu=load,
        other_cpu=max(0.0, after.machine - before.machine - server - origin - load),
        elapsed=after.clock - before.clock,
    )


def _expect(peer: Peer, scenario: Scenario) -> None:
    """One request of a browser, to see that the server really does what is measured."""
    status, _ = _ask(peer.url + scenario.load.path, scenario.load.form)
    if status != scenario.expected(peer.name):
        raise WrongAnswerError(f"answered {status} where {scenario.expected(peer.name)} was asked for")


def _ask(url: str, form: str | None = None) -> tuple[int, bytes]:
    target = loopback_target(url)
    connection = http.client.HTTPConnection(target.host, target.port, timeout=10)
    try:
        connection.request("GET" if form is None else "POST", target.path, body=form, headers=dict(FIELDS))
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as error:
        raise WrongAnswerError(f"answered with no HTTP: {error!r}") from error
    finally:
        connection.close()


@contextmanager
def room_in(space: Path, name: str) -> Iterator[Path]:
    """A directory for one server, gone with its logs when the round is over."""
    with tempfile.TemporaryDirectory(
        dir=space, prefix=f"shieldproxy-bench-{name}-", ignore_cleanup_errors=True
    ) as directory:
        room = Path(directory)
        room.chmod(0o755)  # nginx started by root reads its site as another user where "user" is not set
        yield room
