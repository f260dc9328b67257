"""``shieldproxy run``: serve until told to stop."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from shieldproxy.app.lean import leave_rich_out

leave_rich_out()  # before anything that logs

from shieldproxy import oplog  # noqa: E402
from shieldproxy.core.errors import ConfigurationError, StartError  # noqa: E402
from shieldproxy.settings.reading import load  # noqa: E402
from shieldproxy.settings.schema import Settings  # noqa: E402
from shieldproxy.supervisor.node import serve  # noqa: E402

DEFAULT_CONFIG = Path("config.toml")


@click.command("run", short_help="Stand before a site.")
@click.option("-c", "--config", type=click.Path(path_type=Path), help="Configuration file (default: ./config.toml).")
@click.option("--origin", help="The site to protect, such as http://127.0.0.1:9000.")
@click.option("--listen", help="Where to accept visitors, such as 0.0.0.0:8080.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=TOML", help="Override one key; may be given often.")
def run(config: Path | None, origin: str | None, listen: str | None, overrides: tuple[str, ...]) -> None:
    """Stand before a site: judge every request, forward what is admitted, write every decision down.

    Prints one line when it accepts. SIGTERM ends it in order, SIGHUP reads the configuration again.
    """
    chosen = config if config is not None else (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None)

    def read() -> Settings:
        return load(chosen, overrides, origin=origin, listen=listen)

    oplog.configure()
    try:
        code = serve(read)
    except (ConfigurationError, StartError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    sys.exit(code)
