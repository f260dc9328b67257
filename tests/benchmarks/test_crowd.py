"""A crowd on the wire."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from benchmarks.cores import available_cores
from benchmarks.crowd import Crowd, main
from benchmarks.loopback import loopback_target
from benchmarks.node import Node
from benchmarks.rows.crowd import MORE, TRUST

if TYPE_CHECKING:
    from pathlib import Path


def test_each_client_comes_once_and_is_answered(tmp_path: Path) -> None:
    """As many clients as asked for, each on a connection of its own; the pest beside them; all in the journal."""
    with Node(tmp_path, available_cores(), server=TRUST, more=MORE) as node:
        crowd = Crowd(loopback_target(node.url), clients=400, seconds=30.0, at_once=32, pest_rate=20.0)
        crowd.run()
    assert crowd.sent == crowd.statuses["503"] == 400
    assert not +crowd.errors
    assert crowd.pest.total() >= 1
    assert node.weights().total() == 400 + crowd.pest.total()


def test_ends_with_its_time() -> None:
    """Where nobody listens it still ends, and says what it met."""
    crowd = Crowd(loopback_target("http://127.0.0.1:1/"), clients=1 << 20, seconds=0.2, at_once=16, pest_rate=0.0)
    crowd.run()
    assert crowd.sent < 1 << 20
    assert sum(crowd.errors.values()) == crowd.sent


@pytest.mark.parametrize("words", [["http://192.0.2.1/"], ["http://127.0.0.1:1/", "--clients", str(1 << 30)]])
def test_is_bounded_and_stays_here(words: list[str]) -> None:
    """No other machine, and no crowd without bounds."""
    assert CliRunner().invoke(main, words).exit_code == 2


def test_by_hand_the_last_line_is_the_result() -> None:
    """One JSON object with everything."""
    said = CliRunner().invoke(main, ["http://127.0.0.1:1/", "--clients", "5", "--seconds", "1"]).output
    assert json.loads(said.splitlines()[-1])["clients"] == 5
