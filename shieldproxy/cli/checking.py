"""``shieldproxy check``: every problem of a configuration at once, or its digest and what it sets up."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click

from shieldproxy.cli.options import DEFAULT_CONFIG, config_option, format_option
from shieldproxy.cli.output import Listing
from shieldproxy.core.errors import ConfigurationError, Problem
from shieldproxy.core.printing import printable
from shieldproxy.settings.certificate_files import Lasting, lasting
from shieldproxy.settings.compiling import compile_policy
from shieldproxy.settings.reading import load
from shieldproxy.settings.schema import Settings

# A certificate may hold a hundred names; so many tell which one it is.
NAMES = 3


@click.command(short_help="Find every problem of a configuration at once.")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="KEY=TOML", help="Override one key; may be given often.")
@format_option
@config_option
def check(file: Path | None, overrides: tuple[str, ...], form: str, config: Path | None) -> None:
    """Name every problem of FILE (default: ./config.toml), a line each: file:line: key: what is wrong, what is allowed.

    Ends with 2 when there is one; a good configuration gives its policy digest, which stands in every record. A
    certificate that has ended or ends within two weeks is a warning.
    """
    chosen = file or config
    if chosen is None and DEFAULT_CONFIG.exists():
        chosen = DEFAULT_CONFIG
    try:
        settings = load(chosen, overrides)
    except ConfigurationError as fault:
        name(fault.problems, form)
        sys.exit(2)
    digest = compile_policy(settings).digest
    now = time.time()
    certificates = lasting(settings.server.tls.pairs) if settings.server.tls else ()
    if form != "table":
        shown = [certificate_fields(one, now) for one in certificates]
        Listing((), form, sys.stdout).write([summary_fields(settings, digest) | {"certificates": shown}])
        return
    click.echo(f"{chosen or 'built-in defaults'}: good")
    click.echo(f"policy {digest}")
    for line in (*summary(settings), *(certificate_line(one, now) for one in certificates)):
        click.echo(printable(line))
    for one in certificates:
        if warning := one.warning(now):
            click.echo(printable(f"warning: certificate {one.file} {warning}"), err=True)


def name(problems: tuple[Problem, ...], form: str) -> None:
    """Write the problems: for people on stderr, one a line; for programs on stdout."""
    if form != "table":
        Listing((), form, sys.stdout).write([problem._asdict() for problem in problems])
        return
    for problem in problems:
        click.echo(printable(str(problem)), err=True)
    count = len(problems)
    click.echo(f"{count} problem{'s' * (count != 1)}", err=True)


def summary(settings: Settings) -> list[str]:
    """Return in a few lines what a configuration sets up."""
    server, limits = settings.server, settings.limits
    trusted, exempt = len(server.trusted_proxies), len(settings.exempt.clients)
    return [
        f"{server.mode}: {', '.join(map(str, server.listen))} -> {settings.origin.url}",
        f"{len(limits)} limits, {len(settings.rules)} rules, {exempt} exempt networks, {trusted} trusted proxies",
        *(
            f"  limits.{name}: {limit.rate:g}/s, burst {limit.burst:g}, for each {limit.scope}: {limit.action.word}"
            for name, limit in limits.items()
        ),
        f"journal {settings.journal.directory}, control {settings.control.listen}",
    ]


def certificate_line(one: Lasting, now: float) -> str:
    """Return one line about a certificate: its names and the days that are left."""
    names = ", ".join(one.names[:NAMES]) + (" ..." if len(one.names) > NAMES else "")
    return f"certificate {one.file} for {names or 'whoever names no host'}: {one.days(now)} days left"


def certificate_fields(one: Lasting, now: float) -> dict[str, Any]:
    """Return the same for programs; ``warning`` is '' where there is none."""
    return {"file": str(one.file), "names": list(one.names), "days": one.days(now), "warning": one.warning(now)}


def summary_fields(settings: Settings, digest: str) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "policy": digest,
        "config": str(settings.source_path or ""),
        "mode": str(settings.server.mode),
        "listen": [str(place) for place in settings.server.listen],
        "origin": str(settings.origin.url),
        "limits": list(settings.limits),
        "rules": [rule.name for rule in settings.rules],
        "journal": str(settings.journal.directory),
        "control": str(settings.control.listen),
    }
