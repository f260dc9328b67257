"""A node that commands can reach, and a way to type commands."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from shieldproxy.cli.commands import shieldproxy
from tests.fakes.control_room import ControlRoom

Type = Callable[..., Result]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[ControlRoom]:
    """A control room before a fake node, described by a config.toml."""
    opened = ControlRoom(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def typed() -> Type:
    """Type a command: its words go in, what it wrote and its exit code come out."""

    def run(*words: object) -> Result:
        result = CliRunner().invoke(shieldproxy, [str(word) for word in words], prog_name="shieldproxy")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def objects() -> Callable[[Result], list[Any]]:
    """Read what a command wrote with --format json: one object a line."""
    return lambda result: [json.loads(line) for line in result.stdout.splitlines()]
