"""Neighbours: what other nodes rule is in force here for every worker, and harms nobody whom this node protects."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shieldproxy.app.orders import Allowed, BannedNetworks, Learn
from shieldproxy.core.errors import StartError
from shieldproxy.core.rulings import Ruling
from shieldproxy.settings.reading import load
from shieldproxy.supervisor.neighbours import heed, password_in, server_for, sharing_for
from shieldproxy.supervisor.operations import Operations
from tests.supervisor.prepared_node import PreparedNode, prepared

CLIENT = "192.0.2.7"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[PreparedNode]:
    """A node behind a forwarder."""
    with prepared(
        tmp_path, "server.trusted_proxies=['203.0.113.0/28']", f"nodes.server='unix:{tmp_path}/none'"
    ) as made:
        yield made


def ban(key: str, **changes: Any) -> Ruling:
    """Return a ban of another node."""
    wall = time.time()
    ruling = Ruling("ban", key, int(wall * 1_000), wall + 600.0, "other", why="scanner")
    return ruling._replace(**changes)


def test_workers_are_told_what_they_need(node: PreparedNode) -> None:
    """The cause of a client's ban, the list of networks, what is let through; nothing for what changes nothing."""
    rulings = [ban(CLIENT), ban("198.51.100.0/24"), ban("192.0.2.9", list="allow")]
    assert heed(node.supervisor, rulings) == 3
    allowed, networks, learn = node.told
    assert isinstance(allowed, Allowed)
    assert [str(network) for network in allowed.networks] == ["192.0.2.9/32"]
    assert isinstance(networks, BannedNetworks)
    assert [one.key for one in networks.bans] == ["198.51.100.0/24"]
    assert isinstance(learn, Learn)
    assert (learn.ban.key, learn.ban.cause) == (CLIENT, "scanner")
    assert heed(node.supervisor, rulings) == 0
    assert len(node.told) == 3


def test_who_is_allowed_here_is_exempt_whatever_another_node_rules(node: PreparedNode) -> None:
    """The policy that judges, and spares the kernel's bans, has them among the exempt, which are asked for first."""
    node.supervisor.operators.allow(CLIENT, 600.0, "the mayor")
    node.supervisor.tell_allowed()
    heed(node.supervisor, [ban(CLIENT), ban("192.0.2.0/24")])
    assert CLIENT in [str(network.network_address) for network in node.supervisor.policy.exempt.clients]


@pytest.mark.parametrize("key", ["203.0.113.5", "203.0.113.0/24", "203.0.0.0/16", "203.0.113.0/29"])
def test_a_forwarder_is_never_banned_by_another_node(node: PreparedNode, key: str) -> None:
    """It speaks for all its visitors; the end of such a ban is taken."""
    assert heed(node.supervisor, [ban(key)]) == 0
    assert node.supervisor.operators.bans() == ()
    assert heed(node.supervisor, [ban("203.0.113.16"), ban("2001:db8::/64")]) == 2


async def test_status_says_how_it_stands(node: PreparedNode) -> None:
    """Server, counts and reason are in status, readiness and metrics; a node that is alone has none of them."""
    supervisor, operations = node.supervisor, Operations(node.supervisor)
    assert operations.status().shared == ("", None, 0, 0, 0)
    assert operations.tallies().shared_up is None
    supervisor.sharing = sharing = sharing_for(supervisor)
    assert sharing is not None
    supervisor.operators.ban(CLIENT, 60.0, "")
    assert operations.status().shared == (f"unix:{node.folder}/none", None, 0, 0, 1)
    sharing._fail("gone")
    status = operations.status()
    assert status.shared.up is False
    assert status.degraded == ("shared server: gone; this node decides from its own memory",)
    assert operations.ready() == (True, status.degraded[0])
    tallies = operations.tallies()
    assert tallies.shared_up is False
    assert {name for name in tallies.others if name.startswith("shared_")} == {
        "shared_sent",
        "shared_taken",
        "shared_refused",
        "shared_lost",
    }
    await sharing.stop()


async def test_a_reload_brings_new_keys(node: PreparedNode) -> None:
    """Whoever copies clearance.keys to a node lets it reload, and its neighbours are understood."""
    supervisor = node.supervisor
    supervisor.sharing = sharing = sharing_for(supervisor)
    assert sharing is not None
    before = sharing._keys
    (node.folder / "state" / "clearance.keys").write_text("ab" * 32)
    assert await supervisor.reload() == ()
    assert sharing._keys != before


def test_one_node_shares_with_nobody() -> None:
    """And loads nothing for it."""
    assert server_for(load(None).nodes) is None


def test_a_password_is_read_from_its_file(tmp_path: Path) -> None:
    """Its first line, if nobody else may read it."""
    file = tmp_path / "password"
    assert password_in(None) == ""
    with pytest.raises(StartError, match="is not there"):
        password_in(file)
    file.write_text("correct horse\n\n")
    file.chmod(0o600)
    assert password_in(file) == "correct horse"
    file.chmod(0o644)
    with pytest.raises(StartError, match="everybody"):
        password_in(file)
