"""Reaching the node: where its control room is and with which token, even when config.toml is being edited."""

from __future__ import annotations

import contextlib
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import click

from shieldproxy.cli.client import NodeClient, UnreachableError
from shieldproxy.cli.options import DEFAULT_CONFIG, settings_of
from shieldproxy.control.node import Status
from shieldproxy.control.problems import plain
from shieldproxy.control.token import read_token
from shieldproxy.core.errors import ConfigurationError, StartError
from shieldproxy.settings.reading import load
from shieldproxy.settings.schema import Settings


def node_of(config: Path | None) -> NodeClient:
    """Return a client of the node that ``config`` describes.

    A configuration with problems does not keep an operator from banning somebody: what it says of the control room
    is used all the same, and the problems are mentioned on stderr. Raises UnreachableError when there is no token
    (no node ever started here), ConfigurationError when the control room itself is wrongly described.
    """
    try:
        settings = settings_of(config)
    except ConfigurationError as fault:
        settings = salvaged(config, fault)
        count = len(fault.problems)
        click.echo(
            f"note: the configuration has {count} problem{'s' * (count != 1)} (shieldproxy check names them)", err=True
        )
    return client_of(settings)


def ask_status(node: NodeClient) -> dict[str, Any]:
    """Return the status of ``node``; what an older version does not tell is as in a fresh one."""
    found: dict[str, Any] = plain(Status()) | node.call("GET", "status")
    return found


def client_of(settings: Settings) -> NodeClient:
    """Return a client of the node these settings describe; raises UnreachableError when its token is not there."""
    listen = settings.control.listen
    try:
        token = read_token(settings.control.token_file)
    except StartError as fault:
        raise UnreachableError(
            f"no node can be asked at {listen}: {fault}; start one with: shieldproxy run, "
            "or name its configuration with -c"
        ) from None
    return NodeClient(listen, token)


def salvaged(config: Path | None, fault: ConfigurationError) -> Settings:
    """Return settings that know where the control room is, whatever else is wrong; raises ``fault`` when not."""
    path = config or DEFAULT_CONFIG
    if not path.is_file():
        raise fault
    tables = sound_tables(path)
    state = path.parent / _said(tables, "state", "directory", "var/state")
    overrides = [_override("state.directory", str(state))]
    if listen := _said(tables, "control", "listen", ""):
        overrides.append(_override("control.listen", listen))
    if token := _said(tables, "control", "token_file", ""):
        overrides.append(_override("control.token_file", str(path.parent / token)))
    try:
        return load(None, overrides)
    except ConfigurationError:
        raise fault from None


def sound_tables(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file that can be read each by itself, whatever is broken elsewhere in it."""
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError):
        return {}
    found: dict[str, Any] = {}
    for part in re.split(r"^(?=[ \t]*\[)", text, flags=re.MULTILINE):
        with contextlib.suppress(tomllib.TOMLDecodeError):
            found |= tomllib.loads(part)
    return found


def _said(tables: dict[str, Any], section: str, key: str, default: str) -> str:
    table = tables.get(section)
    value = table.get(key, default) if isinstance(table, dict) else default
    return value if isinstance(value, str) else default


def _override(key: str, value: str) -> str:
    return f"{key}={json.dumps(value)}"
