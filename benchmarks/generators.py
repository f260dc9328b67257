"""The two generators behind one function: wrk for one address, our own for crowds or where wrk is not installed.

Both run as a process of their own on the load's core.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.browser import FIELDS
from benchmarks.cores import on_cores
from benchmarks.loopback import loopback_target
from benchmarks.plan import Plan, Via
from benchmarks.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.loopback import Target

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = Path(__file__).with_name("wrk.lua")
PATIENCE = 30.0  # seconds a generator may need beyond its plan before it is given up


class GeneratorError(RuntimeError):
    """A generator did not give a result."""


@dataclass(frozen=True, slots=True)
class Load:
    """The load of a scenario, apart from where it goes and how long it lasts."""

    path: str = "/page.html"
    connections: int = 64
    clients: int = 1
    via: Via = Via.ONE
    per_connection: int = 0
    form: str | None = None

    @property
    def needs_own(self) -> bool:
        """Whether only our own generator can do it."""
        return self.via is not Via.ONE or bool(self.per_connection) or self.form is not None


def generator_for(load: Load) -> str:
    """The name of the generator that will carry `load`: ``wrk`` or ``own``."""
    return "wrk" if shutil.which("wrk") and not load.needs_own else "own"


def run_load(url: str, load: Load, seconds: float, cores: frozenset[int], *, own: bool = False) -> Reading:
    """Sends `load` to `url`, which must be loopback (else NotLoopbackError), and returns what came back.

    With `own`, by our own generator also where wrk could do it.
    """
    target = loopback_target(url + load.path)
    if not own and generator_for(load) == "wrk":
        return _run_wrk(target, load, seconds, cores)
    return _run_own(target, load, seconds, cores)


def _run_wrk(target: Target, load: Load, seconds: float, cores: frozenset[int]) -> Reading:
    fields = [item for name, value in FIELDS for item in ("-H", f"{name}: {value}")]
    whole = max(1, round(seconds))  # wrk counts in whole seconds
    argv = ["wrk", "-t1", f"-c{load.connections}", f"-d{whole}s", "-s", str(SCRIPT), *fields, target.url]
    said = json.loads(_output(argv, whole, cores))
    return Reading(
        requests=said["requests"],
        seconds=said["duration_us"] / 1e6,
        p50_us=said["p50_us"],
        p99_us=said["p99_us"],
        refused=said["refused"],
        errors={name: count for name, count in said["errors"].items() if count},
    )


def _run_own(target: Target, load: Load, seconds: float, cores: frozenset[int]) -> Reading:
    plan = Plan(
        target,
        seconds=seconds,
        connections=load.connections,
        clients=load.clients,
        via=load.via,
        per_connection=load.per_connection,
        form=load.form,
    )
    argv = [sys.executable, "-m", "benchmarks.load", target.url, *_options(plan)]
    said = json.loads(_output(argv, seconds, cores))
    said.pop("rate")
    return Reading(**said)


def _options(plan: Plan) -> list[str]:
    options = {
        "--seconds": plan.seconds,
        "--count": plan.count,
        "--connections": plan.connections,
        "--clients": plan.clients,
        "--via": plan.via.value,
        "--per-connection": plan.per_connection,
        **({} if plan.form is None else {"--form": plan.form}),
    }
    return [str(part) for pair in options.items() for part in pair]


def _output(argv: Sequence[str], seconds: float, cores: frozenset[int]) -> str:
    """The last line the generator wrote."""
    with on_cores(cores):
        process = subprocess.Popen(
            argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    try:
        output, complaints = process.communicate(timeout=seconds + PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise GeneratorError(f"{argv[0]} did not end in time") from None
    if process.returncode or not output.strip():
        raise GeneratorError(f"{argv[0]} ended with {process.returncode}: {complaints.strip()[-300:]}")
    return output.strip().splitlines()[-1]
