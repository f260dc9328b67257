"""Hearing: what a worker tells is kept and passed on, and nonsense is told apart."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shieldproxy.app.orders import Learn
from shieldproxy.core.facts import NetworkLabel
from shieldproxy.core.ladder import Ban
from shieldproxy.supervisor import hearing as module
from tests.supervisor.prepared_node import PreparedNode, prepared

CLIENT = "192.0.2.7"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[PreparedNode]:
    """A node that is ready to start its workers."""
    with prepared(tmp_path) as made:
        yield made


def hear(node: PreparedNode, report: dict[str, Any], worker: int = 0) -> None:
    """Let the supervisor hear a report."""
    node.supervisor.hearing.hear(worker, report)


def test_a_ban_is_listed_and_told_to_the_others(node: PreparedNode) -> None:
    """The worker that imposed it knows; the rest learn the cause, the log and the list have it."""
    until = time.monotonic() + 60.0
    hear(node, {"ban": {"key": CLIENT, "until": until, "cause": "flood", "rung": 1}, "asn": 64500})
    assert node.workers[0].orders == []
    assert node.workers[1].orders == [Learn(Ban(CLIENT, until, "flood", 1))]
    assert [(entry.key, entry.why, entry.rung) for entry in node.supervisor.operators.bans()] == [(CLIENT, "flood", 1)]
    assert node.log.said[-1] == ("banned", {"client": CLIENT, "cause": "flood", "rung": 1, "asn": 64500})


def test_names_of_networks_are_kept_bounded(node: PreparedNode) -> None:
    """The busiest have names; what workers tell beyond a bound displaces the oldest."""
    hear(node, {"networks": [[64500, "Flood Hosting", "CH", "hosting"]]})
    assert node.supervisor.hearing.networks[64500] == NetworkLabel(64500, "Flood Hosting", "CH", "hosting")
    hear(node, {"networks": [[number, "x", "", "other"] for number in range(1, module.NAMES + 1)]})
    assert len(node.supervisor.hearing.networks) == module.NAMES


def test_a_problem_of_a_journal_lasts_as_long_as_it_does(node: PreparedNode) -> None:
    """It is over when the worker says so, or when another one took its place."""
    problems = node.supervisor.hearing.problems
    hear(node, {"journal_problem": "disk full"}, 0)
    hear(node, {"journal_problem": "disk full"}, 1)
    hear(node, {"journal_problem": ""}, 0)
    hear(node, {"ready": 42}, 1)
    assert not any(problems.values())


@pytest.mark.parametrize(
    "report",
    [{"ban": "x"}, {"ban": {}}, {"ban": {"key": 1, "until": "x"}}, {"networks": [[1]]}, {"networks": [["x"] * 4]}],
)
def test_a_report_that_makes_no_sense_raises_what_is_expected(node: PreparedNode, report: dict[str, Any]) -> None:
    """Whoever takes reports knows what to catch."""
    with pytest.raises((LookupError, TypeError, ValueError)):
        hear(node, report)
