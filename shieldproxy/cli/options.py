"""Options that many commands share, and what they mean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from shieldproxy.cli.output import FORMATS
from shieldproxy.settings.reading import load
from shieldproxy.settings.schema import Settings

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_CONFIG = Path("config.toml")


def config_option(command: Command) -> Command:
    """Add ``-c FILE`` as the argument ``config``; hand it to ``settings_of``."""
    return click.option(
        "-c",
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Configuration file (default: ./config.toml).",
    )(command)


def format_option(command: Command) -> Command:
    """Add ``--format`` as the argument ``form``; hand it to output.Listing."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(FORMATS),
        default="table",
        show_default=True,
        help="table for people, json (one object a line) or csv for programs.",
    )(command)


def settings_of(config: Path | None) -> Settings:
    """Return the settings of ``config``, by default of ./config.toml when there is one, else the built-in ones.

    Raises ConfigurationError with every problem there is.
    """
    return load(config if config is not None else (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None))
