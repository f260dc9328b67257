"""``shieldproxy demo``: the whole product on loopback for 40 seconds, with citizens, a flood and a truthful account."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
import time
from pathlib import Path

import click

from shieldproxy.cli.demo.stage import NodeProcess, Stage, build_stage, free_ports
from shieldproxy.cli.demo.summary import Result, summary
from shieldproxy.cli.output import console_for
from shieldproxy.core.errors import StartError

# Shorter, the flood is over before anything can be seen; longer, one looks at one's own site.
SHORTEST, LONGEST = 6, 600

INTRODUCTION = """\
A small town's site, shieldproxy before it, people browsing; then a flood comes,
shaped like the one on Swiss government sites of 2024-01-17. Everything stays on
this machine and ends by itself in about {seconds} s.
"""


@click.command("demo", short_help="See the whole product at work for 40 seconds.")
@click.option(
    "--seconds",
    type=click.IntRange(SHORTEST, LONGEST),
    default=40,
    show_default=True,
    help="How long it plays.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as one object and nothing else.")
def demo(seconds: int, *, as_json: bool) -> None:
    """See the whole product at work on this machine: a site, citizens, and a botnet that comes after 10 seconds.

    Ends by itself; ends with 1 when a citizen was hurt or the node failed. Keeps its journal below var/demo.
    """
    stage = build_stage(time.strftime("%Y%m%dT%H%M%S"))
    if not as_json:
        sys.stdout.write(INTRODUCTION.format(seconds=seconds))
        sys.stdout.flush()
    try:
        result = asyncio.run(_perform(stage, seconds, silent=as_json))
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.stderr.write(f"stopped; what was written so far lies in {stage.directory}\n")
        sys.exit(1)
    _tell(stage, result, as_json=as_json)
    sys.exit(0 if result["ok"] else 1)


async def _perform(stage: Stage, seconds: int, *, silent: bool) -> Result:
    deadline = time.monotonic() + seconds
    task = asyncio.current_task()
    assert task is not None
    for name in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(name, task.cancel)
    ports, node = free_ports(), NodeProcess(stage)
    stage.write_config(ports)
    await node.launch()
    try:
        # What plays needs a second to import: the node starts meanwhile, and --help does without.
        from shieldproxy.cli.demo.show import Show  # noqa: PLC0415
        from shieldproxy.cli.demo.view import watcher_for  # noqa: PLC0415

        show = Show(stage, ports, node, watcher_for(console_for(sys.stdout), silent=silent))
        return await show.perform(deadline, seconds)
    finally:
        await node.stop()


def _tell(stage: Stage, result: Result, *, as_json: bool) -> None:
    document = json.dumps(result, indent=2)
    words = summary(result, _command(), _commands())
    stage.result.write_text(f"{document}\n", "utf-8")
    stage.report.write_text(words, "utf-8")
    sys.stdout.write(json.dumps(result) + "\n" if as_json else f"\n{words}")


def _commands() -> frozenset[str]:
    """Return the names of the commands that this version has."""
    root = click.get_current_context().find_root()
    return frozenset(root.command.list_commands(root) if isinstance(root.command, click.Group) else ())


def _command() -> str:
    """Return how this program was called, so that the commands we name can be copied."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{_near(Path(sys.executable))} -m shieldproxy"
    found = shutil.which(called.name)
    return called.name if found and Path(found).resolve() == called.resolve() else str(_near(called))


def _near(path: Path) -> Path:
    """Return ``path`` from here, where it lies below."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
