"""Operations: what the control room asks of a node is answered from what its workers counted and its lists hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shieldproxy.app.orders import Adopt, Allowed, BannedNetworks, Learn
from shieldproxy.control.node import Node
from shieldproxy.core.stages import STAGE_NAMES
from shieldproxy.core.verdict import Action
from shieldproxy.state.buckets import BucketTable
from shieldproxy.state.memory import Region
from shieldproxy.state.slots import SlotTable
from shieldproxy.supervisor.operations import Operations
from shieldproxy.supervisor.origin import Health
from tests.supervisor.prepared_node import PreparedNode, prepared

CLIENT = "192.0.2.7"
ADMIT = STAGE_NAMES.index("admit")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[PreparedNode]:
    """A node that is ready to start its workers."""
    with prepared(tmp_path) as made:
        yield made


@pytest.fixture
def operations(node: PreparedNode) -> Operations:
    """Its operations."""
    return Operations(node.supervisor)


def second(node: PreparedNode, requests: int, action: Action = Action.ADMIT, asn: int = 64500) -> None:
    """Let a second pass in which a worker counted so many requests of a network."""
    for _ in range(requests):
        node.tallies.count_verdict(action, ADMIT, 150)
        node.tallies.count_asn(asn, action)
    node.tallies.publish()
    node.supervisor.watch.tick(1_000.0, 1_000.0)


def test_it_is_what_the_control_room_asks_for(operations: Operations) -> None:
    """A type checker says that nothing of the port is missing."""
    asked: Node = operations
    assert asked.alive()


def test_a_node_is_alive_while_a_worker_is(node: PreparedNode, operations: Operations) -> None:
    """One of two is enough to take traffic; none is not."""
    node.workers[0].alive = False
    assert operations.alive()
    assert operations.ready().ready
    node.workers[1].alive = False
    assert not operations.alive()
    assert operations.ready() == (False, "no worker accepts")


def test_a_draining_node_takes_no_traffic(node: PreparedNode, operations: Operations) -> None:
    """It is alive all the same, so nobody restarts it while it ends."""
    node.supervisor.draining = True
    assert operations.alive()
    assert operations.ready() == (False, "the node is draining")


def test_status_is_the_node_in_one_view(node: PreparedNode, operations: Operations) -> None:
    """Counts, lists, workers, places, databases and what is wrong, each where people look for it."""
    second(node, 5)
    second(node, 2, Action.THROTTLE)
    node.workers[1].alive, node.workers[1].restarts = False, 3
    node.supervisor.origin = Health(up=False, why="Connection refused")
    node.supervisor.hearing.problems = {0: "", 1: "disk full"}
    node.supervisor.waiting = ("server.listen",)
    operations.ban(CLIENT, 60.0, "")
    operations.allow("192.0.2.8", 60.0, "")
    node.tallies.count("journal_records", 7)
    node.tallies.count("journal_lost", 1)
    second(node, 0)
    status = operations.status()
    assert (status.workers, status.workers_wanted, status.worker_restarts) == (1, 2, 3)
    assert (status.bans, status.allowances) == (1, 1)
    assert status.requests == {"admit": 5, "challenge": 0, "throttle": 2, "refuse": 0, "drop": 0}
    assert status.last_minute == status.requests
    assert status.listen == node.supervisor.places
    assert status.origin == ("http://127.0.0.1:9000", False, "Connection refused")
    assert status.journal == (str(node.folder / "journal"), 7, 1, "disk full")
    assert (status.posture, status.posture_reason) == ("calm", "as usual")
    assert status.waiting == ("server.listen",)
    assert (status.config, status.degraded) == ("built-in defaults", ())
    assert status.policy == node.supervisor.policy.digest
    assert [database.kind for database in status.geo.databases] == ["asn", "country"]


def test_databases_that_are_missing_are_told(tmp_path: Path) -> None:
    """Status says what the node does without, in words."""
    with prepared(tmp_path) as node:
        (tmp_path / "asn.mmdb").unlink()
        operations = Operations(node.supervisor)
        assert any("asn.mmdb" in problem for problem in operations.status().degraded)
        assert operations.geo().problems == operations.status().degraded


async def test_databases_that_come_back_are_taken(tmp_path: Path) -> None:
    """The view of the node follows the files, as its workers do."""
    with prepared(tmp_path) as node:
        file = tmp_path / "asn.mmdb"
        content = file.read_bytes()
        file.unlink()
        operations = Operations(node.supervisor)
        file.write_bytes(content)
        await operations.refresh()
        assert operations.status().degraded == ()
        assert operations.geo().databases[0].path == str(file)


def test_tallies_are_what_metrics_are_made_of(node: PreparedNode, operations: Operations) -> None:
    """Requests, durations, buckets by scope, networks, ages: from the tables that all workers share."""
    second(node, 3)
    second(node, 2, Action.REFUSE, asn=64501)
    node.tallies.count_origin(2_000)
    node.tallies.count("journal_records", 5)
    memory = node.supervisor.memory
    table = BucketTable(SlotTable(memory.region(Region.BUCKETS), 0), memory.secret, {"client": "client"})  # type: ignore[dict-item]  # its word
    table.charge(table.slot("client", CLIENT), 1e9, 1e12, 1.0)
    second(node, 0)
    found = operations.tallies()
    assert found.requests == {("admit", "admit"): 3, ("refuse", "admit"): 2}
    assert (sum(found.request_duration.counts), sum(found.origin_duration.counts)) == (5, 1)
    assert found.networks == {64500: 3, 64501: 2}
    assert (found.journal_records, found.journal_lost, found.workers) == (5, 0, 2)
    assert set(found.geo_ages) == {"asn", "country"}
    assert "journal_records" not in found.others
    assert "faults" in found.others


def test_the_busiest_have_names_and_the_last_minute_only(node: PreparedNode, operations: Operations) -> None:
    """In order, as many as asked for; a name comes from what workers told, unknown networks are one."""
    node.supervisor.hearing.hear(0, {"networks": [[64501, "Flood Hosting", "CH", "hosting"]]})
    second(node, 3)
    second(node, 7, Action.DROP, asn=64501)
    second(node, 1, asn=0)
    top = operations.top(10)
    assert [(network.asn, network.name, network.requests) for network in top.networks] == [
        (64501, "Flood Hosting", 7),
        (64500, "", 3),
        (0, "", 1),
    ]
    assert (top.networks[0].network_class, top.networks[0].country) == ("hosting", "CH")
    assert top.networks[0].actions == {"drop": 7}
    assert len(operations.top(1).networks) == 1
    for _ in range(61):
        second(node, 0)
    assert operations.top(10).networks == ()


def test_a_client_is_banned_and_pardoned(node: PreparedNode, operations: Operations) -> None:
    """Workers learn the cause; the ban itself is in the memory they share."""
    entry = operations.ban(CLIENT, 60.0, "scanner")
    assert (entry.key, entry.cause, entry.by) == (CLIENT, "scanner", "operator")
    assert 59.0 < entry.remaining <= 60.0
    (order,) = node.told
    assert isinstance(order, Learn)
    assert order.ban.cause == "scanner"
    assert [ban.key for ban in operations.bans()] == [CLIENT]
    assert operations.unban(CLIENT)
    assert not operations.unban(CLIENT)
    assert operations.bans() == ()


def test_a_network_is_banned_and_pardoned(node: PreparedNode, operations: Operations) -> None:
    """Each worker is told the list, at every change of it."""
    operations.ban("192.0.2.0/24", 60.0, "rented")
    operations.unban("192.0.2.0/24")
    assert [len(order.bans) for order in node.told if isinstance(order, BannedNetworks)] == [1, 0]


def test_a_client_is_allowed_and_not_any_more(node: PreparedNode, operations: Operations) -> None:
    """Workers are told the list, at every change of it."""
    entry = operations.allow(CLIENT, 60.0, "the mayor")
    assert (entry.key, entry.why) == (CLIENT, "the mayor")
    assert [found.key for found in operations.allowances()] == [CLIENT]
    assert operations.disallow(CLIENT)
    assert not operations.disallow(CLIENT)
    assert [len(order.networks) for order in node.told if isinstance(order, Allowed)] == [1, 0, 0]


async def test_what_the_configuration_exempts_follows_a_reload(node: PreparedNode, operations: Operations) -> None:
    """The control room warns by what is in force."""
    assert (operations.exempt(), operations.trusted_proxies()) == ((), ())
    node.overrides = ("exempt.clients=['192.0.2.1']", "server.trusted_proxies=['10.0.0.0/8']")
    assert await operations.reload() == ()
    assert [str(network) for network in operations.exempt()] == ["192.0.2.1/32"]
    assert [str(network) for network in operations.trusted_proxies()] == ["10.0.0.0/8"]
    assert [type(order) for order in node.told] == [Adopt]
