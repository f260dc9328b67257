from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from shieldproxy.cli.commands import COMMANDS, LazyGroup, shieldproxy
from shieldproxy.core.errors import ConfigurationError, Problem, StartError


def test_every_command_of_the_table_that_exists_can_be_called() -> None:
    """What --help lists is there, is named so, and has a help of its own with a line about what it does."""
    context = click.Context(shieldproxy)
    names = shieldproxy.list_commands(context)
    assert {"run", "logs", "explain"} <= set(names)
    for name in names:
        command = shieldproxy.get_command(context, name)
        assert command is not None
        assert command.name == name
        result = CliRunner().invoke(shieldproxy, [name, "--help"])
        assert result.exit_code == 0, name
        assert f"Usage: shieldproxy {name}" in result.output


def test_every_command_reads_the_configuration_that_is_named() -> None:
    """``-c FILE`` works everywhere, as people type it without thinking; check takes its file as an argument too."""
    context = click.Context(shieldproxy)
    for name in shieldproxy.list_commands(context):
        command = shieldproxy.get_command(context, name)
        assert command is not None
        leaves = command.commands.values() if isinstance(command, click.Group) else [command]
        for leaf in leaves:
            options = {option for parameter in leaf.params for option in parameter.opts}
            assert "-c" in options or name in {"check", "demo"}, leaf.name


def test_commands_of_later_versions_are_not_listed() -> None:
    """The table knows more than this version has; what is not there is neither shown nor half working."""
    context = click.Context(shieldproxy)
    group = LazyGroup("x")
    assert group.get_command(context, "nonsense") is None
    assert set(group.list_commands(context)) <= set(COMMANDS)


def test_a_slip_of_the_finger_is_corrected() -> None:
    """The message names the command that was meant."""
    result = CliRunner().invoke(shieldproxy, ["lgos"])
    assert result.exit_code == 2
    assert "'logs'" in result.output


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            ConfigurationError((Problem("c.toml", 3, "limits.a.rate", "0 is too small"),)),
            "c.toml:3: limits.a.rate: 0 is too small",
        ),
        (StartError("journal directory /x: cannot write there"), "journal directory /x: cannot write there"),
    ],
)
def test_what_does_not_work_is_said_plainly_with_exit_2(error: Exception, said: str) -> None:
    """No traceback, whichever command it was."""

    @click.command("broken")
    def broken() -> None:
        raise error

    class Group(LazyGroup):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
            return broken

    result = CliRunner().invoke(Group("shieldproxy"), ["broken"])
    assert (result.exit_code, result.output.strip()) == (2, said)


def imported(*arguments: str) -> set[str]:
    """Return the modules a run of the command line imports."""
    code = (
        "import sys; from shieldproxy.cli import main\n"
        f"sys.argv = ['shieldproxy', *{list(arguments)!r}]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_help_imports_no_command() -> None:
    """``shieldproxy --help`` answers at once."""
    modules = imported("--help")
    assert not any(name.startswith("shieldproxy.") and "cli" not in name and "core" not in name for name in modules)
    assert "rich" not in modules


def test_a_command_pays_only_for_itself() -> None:
    """The server imports no listings, and the listing of decisions no server."""
    assert not {"shieldproxy.cli.output", "shieldproxy.journal.reader"} & imported("run", "--help")
    assert not {"aiohttp", "rich", "structlog", "shieldproxy.supervisor"} & imported("logs", "--help")


def test_the_module_is_the_command() -> None:
    """``python -m shieldproxy`` works where the script is not on the path, and the version is told."""
    done = subprocess.run(
        [sys.executable, "-m", "shieldproxy", "--version"], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    assert done.stdout.startswith("shieldproxy, version ")
