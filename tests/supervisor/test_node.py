"""The node: what it makes before it serves, what it hears and passes on, and what a reload does."""

from __future__ import annotations

import ipaddress
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shieldproxy.app.orders import Adopt, Allowed, BannedNetworks
from shieldproxy.core.errors import ConfigurationError, StartError
from shieldproxy.settings.reading import load
from shieldproxy.supervisor.node import Supervisor
from tests.supervisor.prepared_node import PreparedNode, prepared

CLIENT = "192.0.2.7"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[PreparedNode]:
    """A node that is ready to start its workers."""
    with prepared(tmp_path) as made:
        yield made


# -- before it serves ---------------------------------------------------------------------------------------------


def test_what_it_keeps_is_for_its_user_alone(node: PreparedNode) -> None:
    """Keys and lists lie in a folder nobody else may enter."""
    directory = node.folder / "state"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}
    assert {"clearance.keys", "node.secret"} <= {path.name for path in directory.iterdir()}


def test_there_are_as_many_workers_as_configured(node: PreparedNode) -> None:
    """Each has a socket, all on one port, which status tells; the supervisor has a row of its own in the memory."""
    supervisor = node.supervisor
    assert [len(sockets) for sockets in supervisor.sockets] == [1, 1]
    assert supervisor.places == (f"127.0.0.1:{supervisor.sockets[0][0].getsockname()[1]}",)
    assert supervisor.memory.sizes.workers == 3


def test_a_configuration_with_problems_never_gets_so_far() -> None:
    """All of them are raised before anything is made."""

    def broken() -> Any:
        return load(None, ("server.workers=-1", "origin.rate=-1"))

    with pytest.raises(ConfigurationError) as caught:
        Supervisor(broken)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("place", ["state", "journal"])
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, place: str) -> None:
    """A file stands where the folder should: the start fails with its path."""
    (tmp_path / place).write_text("")
    with pytest.raises(StartError, match=str(tmp_path / place)), prepared(tmp_path):
        pass


def test_a_taken_port_leaves_nothing_open(tmp_path: Path) -> None:
    """The start fails with the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(StartError, match=f"127.0.0.1:{port}"),
            prepared(tmp_path, f"server.listen=['127.0.0.1:{port}']"),
        ):
            pass


# -- while it serves ----------------------------------------------------------------------------------------------


async def test_a_reload_is_told_to_every_worker(node: PreparedNode) -> None:
    """The policy is the new one, the digest another, and what waits for the next start is named and logged."""
    before = node.supervisor.policy.digest
    node.overrides = ("bans.offences=7", "server.workers=3")
    assert await node.supervisor.reload() == ()
    (order,) = node.told
    assert isinstance(order, Adopt)
    assert (order.settings.bans.offences, order.settings.server.workers) == (7, 2)
    assert node.supervisor.policy.digest != before
    assert list(node.supervisor.waiting) == ["server.workers"]
    assert node.log.events == ["reloaded"]
    node.overrides = ("bans.offences=7",)
    await node.supervisor.reload()
    assert list(node.supervisor.waiting) == []


async def test_a_reload_with_problems_changes_nothing(node: PreparedNode) -> None:
    """Every problem is returned, kept for status and logged; no worker hears of it; the next good one clears it."""
    before = node.supervisor.settings, node.supervisor.policy
    node.overrides = ("bans.offences=-1", "bans.floods=-1")
    problems = await node.supervisor.reload()
    assert len(problems) == 2
    assert list(node.supervisor.reload_refused) == list(problems)
    assert (node.supervisor.settings, node.supervisor.policy) == before
    assert node.told == []
    assert node.log.events == ["reload refused, the old configuration stays"]
    node.overrides = ()
    assert await node.supervisor.reload() == ()
    assert list(node.supervisor.reload_refused) == []


async def test_a_reload_whose_keys_are_damaged_changes_nothing(node: PreparedNode) -> None:
    """Workers could not follow it, so nobody does."""
    (node.folder / "state" / "clearance.keys").write_text("damaged")
    node.overrides = ("bans.offences=7",)
    (problem,) = await node.supervisor.reload()
    assert "clearance.keys" in problem
    assert node.told == []


def test_what_operators_allow_outlives_a_reload_of_the_policy(node: PreparedNode) -> None:
    """Workers are told the networks; the policy of the node has them too, under the same digest."""
    digest = node.supervisor.policy.digest
    node.supervisor.operators.allow(CLIENT, 60.0, "")
    node.supervisor.tell_allowed()
    network = ipaddress.ip_network(CLIENT)
    assert node.told == [Allowed((network,))]
    assert network in node.supervisor.policy.exempt.clients
    assert node.supervisor.policy.digest == digest


def test_banned_networks_are_told(node: PreparedNode) -> None:
    """A network is looked up by each worker for itself."""
    node.supervisor.operators.ban("192.0.2.0/24", 60.0, "rented")
    node.supervisor.tell_banned()
    (order,) = node.told
    assert isinstance(order, BannedNetworks)
    assert [(ban.key, ban.cause) for ban in order.bans] == [("192.0.2.0/24", "rented")]


async def test_a_part_that_fails_is_told(node: PreparedNode) -> None:
    """Nothing the supervisor began ends in silence."""

    async def fail() -> None:
        raise ValueError("a bug")

    node.supervisor._begin(fail())
    (task,) = node.supervisor._tasks
    with pytest.raises(ValueError, match="a bug"):
        await task
    assert node.log.events == ["a part of the supervisor failed"]
    assert node.supervisor._tasks == set()
