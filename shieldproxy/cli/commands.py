"""The commands: one table, and a group that imports a command only when it is asked for.

``shieldproxy run`` must not pay for the tables of ``logs``, nor ``logs`` for the web client of ``status``.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import Any, NamedTuple

import click

from shieldproxy import __version__
from shieldproxy.core.errors import ConfigurationError, StartError


class Entry(NamedTuple):
    """Where a command is defined, and what it does in one line (so that --help imports nothing)."""

    module: str
    attribute: str
    summary: str


# In the order in which people need them.
COMMANDS = {
    "run": Entry("serving", "run", "Stand before a site and serve."),
    "check": Entry("checking", "check", "Find every problem of a configuration at once."),
    "demo": Entry("demo", "demo", "See the whole product at work for 40 seconds."),
    "logs": Entry("logs", "logs", "Review decisions: who was not admitted, and why."),
    "explain": Entry("explain", "explain", "Explain one decision by the ID of a block page."),
    "report": Entry("report", "report", "Who attacked, how often, from which networks."),
    "episodes": Entry("episodes", "episodes", "Attack episodes, one a line."),
    "evidence": Entry("evidence", "evidence", "Make and verify a bundle of evidence."),
    "replay": Entry("replay", "replay", "What a configuration would have done to past traffic."),
    "tune": Entry("tune", "tune", "Propose limits from a log, with the people each would touch."),
    "policy": Entry("policy", "policy", "What was changed when, and what it did."),
    "import": Entry("importing", "import_logs", "Bring the logs of other servers into the journal."),
    "who": Entry("who", "who", "All that is known of an address or a network."),
    "asn": Entry("who", "asn", "All that is known of an autonomous system."),
    "ban": Entry("node", "ban", "Ban a client or a network for a while."),
    "unban": Entry("node", "unban", "Lift a ban."),
    "bans": Entry("node", "bans", "List the bans in force."),
    "allow": Entry("node", "allow", "Never limit, challenge or ban a client."),
    "cohorts": Entry("cohorts", "cohorts", "What the excess shares; leave one alone."),
    "status": Entry("status", "status", "How the running node is doing."),
    "reload": Entry("node", "reload", "Let the running node read its configuration again."),
    "top": Entry("top", "top", "Watch the running node live."),
    "geo": Entry("geo", "geo", "Age and update of the network databases."),
    "doctor": Entry("doctor", "doctor", "Check clock, keys, disk and limits of this machine."),
}


class LazyGroup(click.Group):
    """A group that knows its commands by a table and imports them when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands that this version has."""
        return [name for name in COMMANDS if _exists(name)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Return the command, imported now; None when there is none of this name."""
        if cmd_name not in COMMANDS or not _exists(cmd_name):
            return None
        entry = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(_full_name(entry)), entry.attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the ones that are spelled like it."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand:
            raise click.exceptions.NoSuchCommand(args[0], possibilities=self.list_commands(ctx), ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].summary) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a configuration or a place that does not work is said plainly and ends with 2."""
        try:
            return super().invoke(ctx)
        except (ConfigurationError, StartError) as error:
            sys.stderr.write(f"{error}\n")
            ctx.exit(2)


def _full_name(entry: Entry) -> str:
    return f"shieldproxy.cli.{entry.module}"


def _exists(name: str) -> bool:
    spec = importlib.util.find_spec(_full_name(COMMANDS[name]))
    return spec is not None and spec.origin is not None  # a mere directory has no origin


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="shieldproxy")
def shieldproxy() -> None:
    """Keep a public-service website reachable under floods, and be able to say why each request was answered so.

    All commands read ./config.toml unless -c FILE names another; without one the built-in defaults hold.
    """
