"""``shieldproxy cohorts``: what the excess shares and people do not, and the order to leave one alone."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from shieldproxy.cli.client import segment
from shieldproxy.cli.options import config_option, format_option
from shieldproxy.cli.output import Column, Listing
from shieldproxy.cli.reach import node_of
from shieldproxy.cli.spans import written_span
from shieldproxy.core.printing import printable

COLUMNS = (
    Column("trait", "trait", least=20),
    Column("of the excess", lambda row: f"{row['part']:.0%}", right=True),
    Column("of calm", lambda row: f"{row['usual']:.2%}", right=True),
    Column("for", lambda row: written_span(row["age"]), right=True),
    Column("to go", lambda row: written_span(row["remaining"]), right=True),
    Column("", lambda row: "challenged" if row["applied"] else f"proposed: {row['why_not']}", least=20),
)


@click.command(short_help="What the excess shares; leave one alone.")
@click.argument("trait", required=False)
@click.option("--revoke", is_flag=True, help="Challenge nobody for TRAIT any more, until the site has been calm again.")
@format_option
@config_option
def cohorts(trait: str | None, form: str, config: Path | None, *, revoke: bool) -> None:
    """List what the excess shares and hardly anybody in calm has. TRAIT --revoke ends one at once.

    A TRAIT is written as the list shows it, for example: shieldproxy cohorts "agent Chrome/79" --revoke
    """
    if bool(trait) is not revoke:
        raise click.UsageError("write both a TRAIT and --revoke, or neither")
    node = node_of(config)
    if trait:
        done = node.call("DELETE", f"cohorts/{segment(trait)}")
        if form == "table":
            click.echo(printable(f"revoked {done['revoked']} until the site has been calm again"))
        else:
            Listing((), form, sys.stdout).write([done])
        return
    found = node.call("GET", "cohorts")["cohorts"]
    Listing(COLUMNS, form, sys.stdout).write(found)
    if form == "table" and not found:
        click.echo("no excess with anything of its own in common")
