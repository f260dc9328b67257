"""What operators type."""

from __future__ import annotations

from shieldproxy.cli.commands import shieldproxy


def main() -> None:
    """Run the command line; ends the process with 0 done, 1 a check says no, 2 wrong usage, 3 cannot reach."""
    shieldproxy(prog_name="shieldproxy")
