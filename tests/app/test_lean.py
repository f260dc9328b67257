"""Lean: a worker loads what it needs and no more, and nothing is spoilt for who loads it later."""

from __future__ import annotations

import subprocess
import sys

from shieldproxy.supervisor.workers import entry

# What commands draw tables with, what the control room serves with, what only analysis and operators use.
NOT_FOR_VISITORS = ("rich", "aiohttp", "aiolimiter", "geoip2", "prometheus_client", "click", "duckdb", "jinja2")


def said(code: str, *options: str) -> str:
    """Return what a fresh interpreter prints."""
    command = (sys.executable, *options, "-c", code)
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_a_worker_loads_nothing_that_visitors_do_not_need() -> None:
    """Each of these costs every start a part of a second."""
    *options, _, code = entry()
    probe = code.replace("main(sys.argv[1:])", f"print([name for name in {NOT_FOR_VISITORS} if name in sys.modules])")
    assert probe != code
    assert said(probe, *options) == "[]\n"


def test_the_command_that_serves_loads_no_tables() -> None:
    """Nor the control room, before workers are started."""
    assert said(f"import sys, shieldproxy.cli.serving; print([n for n in {NOT_FOR_VISITORS} if n in sys.modules])") == (
        "['click']\n"
    )


def test_what_was_left_out_can_be_had_afterwards() -> None:
    """Tables are drawn with it, in the same process; and the log still tells of errors."""
    code = """
from shieldproxy.app.lean import leave_rich_out
leave_rich_out()
import rich.table
from shieldproxy import oplog
oplog.configure(stream=__import__("sys").stdout)
try:
    1 / 0
except ZeroDivisionError:
    oplog.logger("test").error("failed", exc_info=True)
"""
    assert "ZeroDivisionError" in said(code)


def test_a_program_that_has_them_keeps_them() -> None:
    """Whoever loaded them before us has them as they were."""
    code = "import rich, structlog.dev; from shieldproxy.app.lean import leave_rich_out; leave_rich_out(); "
    assert said(code + "import sys; print(structlog.dev.rich is sys.modules['rich'])") == "True\n"
