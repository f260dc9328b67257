"""Two nodes before one site, as people run them: what one bans, both drop, and each goes on when what they share is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.e2e.nodes import Node, until
from tests.e2e.origins import Moody
from tests.redis_servers import RedisServer

OPEN = "[limits.client]\nscope = 'client'\nrate = 10000\nburst = 10000\n"
CLIENT, FRIEND = "192.0.2.20", "192.0.2.21"
GONE = "the shared server is gone, this node decides from its own memory"
BACK = "the shared server is in use again"

Pair = tuple[Node, Node]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """The server they share."""
    with closing(RedisServer(tmp_path / "redis").start()) as server:
        yield server


@pytest.fixture
def pair(tmp_path: Path, moody: Moody, redis: RedisServer) -> Iterator[Callable[[str], Pair]]:
    """A function that starts two nodes with the same keys."""
    with ExitStack() as nodes:

        def started(more: str = "") -> Pair:
            shared = f"[nodes]\nserver = 'unix:{redis.path}'\n"
            made = []
            for name in ("one", "two"):
                folder = tmp_path / name
                (folder / "var" / "state").mkdir(parents=True, mode=0o700)
                keys = folder / "var" / "state" / "clearance.keys"
                keys.write_text("ab" * 32 + "\n")
                keys.chmod(0o600)
                made.append(nodes.enter_context(closing(Node(folder, moody.url, OPEN + shared + more))).start())
            one, two = made
            return one, two

        yield started


def up(node: Node) -> bool:
    """Tell whether ``node`` uses the server."""
    return node.status()["shared"]["up"] is True


def test_a_ban_on_one_holds_on_both(pair: Callable[..., Pair]) -> None:
    """Within two seconds, for clients and networks; unban and allow hold on both too, and the exempt are never met."""
    one, two = pair(f"[exempt]\nclients = ['{FRIEND}']\n")
    assert (one.get("/", CLIENT).status, two.get("/", CLIENT).status) == (200, 200)
    assert one.cli("ban", CLIENT, "--why", "scanner").code == 0
    until(lambda: two.get("/", CLIENT).status == 403, "dropped by the other", 2.0)
    assert [entry["cause"] for entry in two.cli("bans", "--format", "json").objects] == ["scanner"]
    assert two.cli("unban", CLIENT).code == 0
    until(lambda: one.get("/", CLIENT).status == 200, "pardoned by the other", 2.0)
    assert two.cli("ban", "192.0.2.0/24").code == 0
    until(lambda: one.get("/", CLIENT).status == 403, "a network", 2.0)
    assert (one.get("/", FRIEND).status, two.get("/", FRIEND).status) == (200, 200)
    assert one.cli("allow", CLIENT).code == 0
    until(lambda: two.get("/", CLIENT).status == 200, "let through by the other", 2.0)
    assert "told" in two.cli("status").out


def test_valkey_gone(pair: Callable[..., Pair], redis: RedisServer) -> None:
    """Each decides from its own memory, says so once, and tells the other what was ruled meanwhile when it is back."""
    one, two = pair()
    until(lambda: up(one) and up(two), "in use")
    assert one.cli("ban", "192.0.2.30").code == 0
    until(lambda: two.get("/", "192.0.2.30").status == 403, "dropped by the other")
    redis.kill()
    until(lambda: one.status()["degraded"] and two.status()["degraded"], "noticed")
    assert "shared server" in one.status()["degraded"][0]
    assert (one.get("/", CLIENT).status, two.get("/", "192.0.2.30").status) == (200, 403)
    assert one.cli("ban", CLIENT).code == 0
    assert (one.get("/", CLIENT).status, two.get("/", CLIENT).status) == (403, 200)
    redis.start()
    until(lambda: two.get("/", CLIENT).status == 403, "heard")
    until(lambda: not (one.status()["degraded"] or two.status()["degraded"]), "well")
    for node in (one, two):
        assert [event["event"] for event in node.events if event["event"] in (GONE, BACK)] == [GONE, BACK]


def test_a_node_that_was_down_catches_up(pair: Callable[..., Pair]) -> None:
    """What was banned and pardoned while it was down holds on it after its start."""
    one, two = pair()
    assert one.cli("ban", CLIENT).code == 0
    until(lambda: two.get("/", CLIENT).status == 403, "heard")
    two.close()
    assert one.cli("unban", CLIENT).code == 0
    assert one.cli("ban", FRIEND).code == 0
    until(lambda: one.status()["shared"]["waiting"] == 0, "told")
    two.start()
    until(lambda: two.get("/", FRIEND).status == 403, "banned meanwhile")
    until(lambda: two.get("/", CLIENT).status == 200, "pardoned meanwhile")
