"""``shieldproxy doctor``: clock, keys, disk, limits, databases, configuration and node, a line each with what to do."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from shieldproxy.cli import checkups
from shieldproxy.cli.checkups import Finding, Level
from shieldproxy.cli.client import DeclinedError, UnreachableError
from shieldproxy.cli.geo import databases_of
from shieldproxy.cli.machine import Machine
from shieldproxy.cli.neighbours import check_shared
from shieldproxy.cli.options import config_option, format_option, settings_of
from shieldproxy.cli.output import Listing, console_for
from shieldproxy.cli.reach import ask_status, client_of, salvaged
from shieldproxy.cli.seals import check_seals
from shieldproxy.core.errors import ConfigurationError
from shieldproxy.core.printing import printable
from shieldproxy.settings.certificate_files import lasting
from shieldproxy.settings.compiling import compile_policy
from shieldproxy.settings.schema import Settings
from shieldproxy.state.keys import CLEARANCE_KEYS, EVIDENCE_KEY, NODE_SECRET

STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@click.command(short_help="Check clock, keys, disk and limits of this machine.")
@format_option
@config_option
def doctor(form: str, config: Path | None) -> None:
    """Look at everything the node depends on, as the user who asks. Ends with 1 when something does not work.

    Segments that a crash left unsealed are sealed; nothing else is changed.
    """
    found = list(examine(config, Machine(), time.time()))
    if form == "table":
        show(found)
    else:
        Listing((), form, sys.stdout).write(fields(finding) for finding in found)
    sys.exit(1 if any(finding.level is Level.FAIL for finding in found) else 0)


def examine(config: Path | None, machine: Machine, now: float) -> Iterator[Finding]:
    """Yield what there is to say, the configuration first; ``now`` is unix seconds."""
    digest = ""
    try:
        settings = settings_of(config)
        digest = compile_policy(settings).digest
        where = settings.source_path or "the built-in defaults"
        yield Finding(Level.OK, "configuration", f"{where}: good, policy {digest}")
    except ConfigurationError as fault:
        for problem in fault.problems:
            yield Finding(Level.FAIL, "configuration", str(problem), "correct it; shieldproxy check names them all")
        try:
            settings = salvaged(config, fault)
        except ConfigurationError:
            return
    pid = 0
    for finding, found in ask_node(settings, digest):
        pid = found or pid
        yield finding
    yield from examine_machine(settings, machine, pid, now)


def ask_node(settings: Settings, digest: str) -> Iterator[tuple[Finding, int]]:
    """Yield what the running node says of itself, with its process id (0: unknown)."""
    try:
        status = ask_status(client_of(settings))
    except (UnreachableError, DeclinedError) as fault:
        yield Finding(Level.WARN, "node", fault.message), 0
        return
    for finding in checkups.check_node(status, digest):
        yield finding, int(status["pid"])


def examine_machine(settings: Settings, machine: Machine, pid: int, now: float) -> Iterator[Finding]:
    """Yield what there is to say of the machine and of the files of the node."""
    yield checkups.check_clock(machine.clock())
    state = settings.state.directory
    yield checkups.check_secret(settings.control.token_file, "token")
    yield checkups.check_secret(state / CLEARANCE_KEYS, "keys")
    yield checkups.check_secret(state / NODE_SECRET, "keys")
    yield checkups.check_secret(state / EVIDENCE_KEY, "keys")
    yield from checkups.check_directory(state, "state", machine)
    yield from checkups.check_directory(settings.journal.directory, "journal", machine)
    yield check_seals(settings)
    for one in lasting(settings.server.tls.pairs) if settings.server.tls else ():
        yield checkups.check_certificate(one, now)
    yield checkups.check_open_files(machine.open_files(pid), settings)
    memory = checkups.check_memory(machine.memory(), settings)
    if memory is not None:
        yield memory
    shared = check_shared(settings)
    if shared is not None:
        yield shared
    databases = databases_of(settings)
    yield from checkups.check_databases(databases.databases(), databases.problems, now)
    yield from checkups.check_kernel(machine)


def show(found: Sequence[Finding]) -> None:
    """Write findings for people, what to do below each."""
    from rich.table import Table  # noqa: PLC0415 - only tables pay for it
    from rich.text import Text  # noqa: PLC0415

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for level, subject, text, todo in found:
        table.add_row(Text(level.value, style=STYLES[level.value]), subject, Text(printable(text)))
        if todo:
            table.add_row("", "", Text(f"-> {printable(todo)}", style="bold"))
    console_for(sys.stdout).print(table)


def fields(finding: Finding) -> dict[str, Any]:
    """Return a finding for a listing."""
    return {"level": finding.level.value, "subject": finding.subject, "text": finding.text, "todo": finding.todo}
