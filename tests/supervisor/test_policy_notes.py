"""Notes of policies: each start and each reload leaves a line that says what changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shieldproxy.state.policies import PolicyLog
from shieldproxy.supervisor.policy_notes import note_policy
from tests.supervisor.prepared_node import PreparedNode, prepared


@pytest.fixture
def node(tmp_path: Path) -> Iterator[PreparedNode]:
    """A node that is ready to start its workers."""
    with prepared(tmp_path) as made:
        yield made


def lines(node: PreparedNode) -> list[dict[str, Any]]:
    return [*PolicyLog(node.supervisor.settings.state.directory).entries()]


async def test_a_reload_is_written_down_with_what_changed(node: PreparedNode) -> None:
    """The start, the digest and the keys with old and new value; the operational log names the keys too."""
    node.overrides = ("bans.offences=7",)
    await node.supervisor.reload("anna")
    start, reload = lines(node)
    assert (start["by"], reload["by"]) == ("", "anna")
    assert (start["event"], start["changes"], reload["event"]) == ("start", [], "reload")
    assert reload["policy"] == node.supervisor.policy.digest != start["policy"]
    assert reload["changes"] == [{"key": "bans.offences", "old": "30", "new": "7"}]
    assert node.log.said[-1][1]["changed"] == ["bans.offences"]


async def test_a_reload_that_was_refused_is_no_policy(node: PreparedNode) -> None:
    """What never was in force stands nowhere."""
    node.overrides = ("bans.offences=-1",)
    await node.supervisor.reload()
    assert len(lines(node)) == 1


async def test_a_change_made_while_the_node_was_down_is_seen_at_its_start(node: PreparedNode) -> None:
    """The last configuration in force is remembered."""
    log = PolicyLog(node.supervisor.settings.state.directory)
    log.add({"ts": "x"}, {**log.latest(), "bans.offences": "5"})
    note_policy(node.supervisor, "start")
    assert lines(node)[-1]["changes"] == [{"key": "bans.offences", "old": "5", "new": "30"}]


def test_a_disk_that_does_not_take_it_stops_nothing(node: PreparedNode) -> None:
    """The node serves, and says so."""
    directory = node.supervisor.settings.state.directory
    (directory / "policies.jsonl").unlink()
    (directory / "policies.jsonl").mkdir()
    assert note_policy(node.supervisor, "reload")["event"] == "reload"
    assert node.log.events == ["the history of policies cannot be written"]
