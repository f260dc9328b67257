"""What operators type."""

from __future__ import annotations

import io
import sys

from shieldproxy.cli.commands import shieldproxy


def main() -> None:
    """Run the command line; ends the process with 0 done, 1 a check says no, 2 wrong usage, 3 cannot reach."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without Unicode still gets its answer
    shieldproxy(prog_name="shieldproxy")
