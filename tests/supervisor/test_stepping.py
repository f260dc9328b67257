"""Stepping back: a reload that hurts is taken back, and said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shieldproxy.app.orders import Adopt
from shieldproxy.core.stages import STAGE_NAMES
from shieldproxy.core.verdict import Action
from shieldproxy.supervisor.stepping import look_after
from tests.supervisor.prepared_node import PreparedNode, prepared

CLEARED, OWN = STAGE_NAMES.index("cleared"), STAGE_NAMES.index("over_own_limit")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[PreparedNode]:
    """A node that is ready to start its workers."""
    with prepared(tmp_path) as made:
        yield made


def live(node: PreparedNode, *, refused: int) -> None:
    """Let a hundred requests of people with a clearance come, so many of which are refused, and look after them."""
    for number in range(100):
        if number < refused:
            node.tallies.count_verdict(Action.THROTTLE, OWN, 100)
            node.tallies.count("cleared_refused")
        else:
            node.tallies.count_verdict(Action.ADMIT, CLEARED, 100)
    node.supervisor.watch.tick(1.0, 1.0)
    look_after(node.supervisor)


async def test_a_reload_that_refuses_people_is_taken_back(node: PreparedNode) -> None:
    """The configuration before holds again for every worker; log, status and history say why."""
    supervisor = node.supervisor
    before = supervisor.policy.digest
    live(node, refused=0)
    node.overrides = ("limits.clearance={scope='clearance', rate=0.1}",)
    await supervisor.reload()
    assert supervisor.policy.digest != before
    live(node, refused=50)
    assert supervisor.policy.digest == before
    assert isinstance(node.workers[0].orders[-1], Adopt)
    assert node.log.events[-1] == "stepped back to the configuration before"
    (told,) = supervisor.reload_refused
    assert "50.0%" in told
    assert '"step back"' in (node.folder / "state" / "policies.jsonl").read_text()


async def test_a_reload_that_hurts_nobody_stays(node: PreparedNode) -> None:
    """And one that changed nothing is not blamed for what happens."""
    supervisor = node.supervisor
    live(node, refused=0)
    node.overrides = ("limits.clearance={scope='clearance', rate=9}",)
    await supervisor.reload()
    changed = supervisor.policy.digest
    live(node, refused=0)
    assert supervisor.policy.digest == changed
    await supervisor.reload()


async def test_a_reload_of_the_same_is_not_watched(node: PreparedNode) -> None:
    """What it did not change it did not break."""
    await node.supervisor.reload()
    live(node, refused=50)
    assert node.supervisor.reload_refused == ()
    assert node.log.events == ["reloaded"]
