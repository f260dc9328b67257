"""Duties: what the supervisor looks after in rounds is seen, told once, and told to workers."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from shieldproxy.app.orders import Allowed
from shieldproxy.core.facts import Posture
from shieldproxy.core.stages import STAGE_NAMES
from shieldproxy.core.verdict import Action
from tests.supervisor.prepared_node import PreparedNode, prepared

CLIENT = "192.0.2.7"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[PreparedNode]:
    """A node that is ready to start its workers."""
    with prepared(tmp_path) as made:
        yield made


async def test_the_posture_is_watched_and_told(node: PreparedNode) -> None:
    """A flood is in the memory that workers read, and one line in the log tells why."""
    await node.supervisor.duties.watch_over()
    for _ in range(12):
        for _ in range(200):
            node.tallies.count_verdict(Action.CHALLENGE, STAGE_NAMES.index("suspicious"), 100)
        node.tallies.count("challenges.proof-of-work.issued", 200)
        await node.supervisor.duties.watch_over()
    assert node.supervisor.situation.posture is not Posture.CALM
    said = [fields for event, fields in node.log.said if event == "posture"]
    assert said
    assert "requests/s" in said[-1]["reason"]


async def test_an_allowance_that_ends_is_told(node: PreparedNode) -> None:
    """The second after its end no worker exempts the client any more."""
    node.supervisor.operators.allow(CLIENT, 0.0, "")
    node.supervisor.operators._allowed_before = (ipaddress.ip_network(CLIENT),)
    await node.supervisor.duties.watch_over()
    assert node.told == [Allowed(())]


async def test_the_origin_is_asked_and_changes_are_logged(node: PreparedNode) -> None:
    """Up is no news at the start, down is; what stays as it is is said once."""
    with socket.create_server(("127.0.0.1", 0)) as origin:
        node.overrides = (f"origin.url='http://127.0.0.1:{origin.getsockname()[1]}'",)
        await node.supervisor.reload()
        await node.supervisor.duties.knock()
        assert node.supervisor.origin.up is True
    for _ in range(3):
        await node.supervisor.duties.knock()
    assert node.supervisor.origin.up is False
    said = [fields for event, fields in node.log.said if event == "origin"]
    assert [(fields["up"], fields["why"]) for fields in said] == [(False, "Connection refused")]
