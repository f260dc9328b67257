"""Status: the node in one view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from click.testing import Result

from shieldproxy.cli.status import counts
from shieldproxy.control.node import GeoDatabase, GeoState, JournalState, Origin, SharedState
from tests.fakes.control_room import ControlRoom

Type = Callable[..., Result]


def test_status_tells_what_an_operator_asks_first(room: ControlRoom, typed: Type) -> None:
    """Mode, posture, uptime, workers, counts, origin, bans, geo age, journal and policy stand one a line."""
    text = typed("status", "-c", room.config).stdout
    for told in (
        "shield-1, version 0.1.0, pid 4242, up 1h 2m",
        "enforce",
        "elevated (episode E-2026-11-24-1)",
        "http://127.0.0.1:9000 answers",
        "2 of 2",
        "60 requests, 25 % not admitted (admit 45, throttle 12, drop 3)",
        "1,000 requests, 10 % not admitted",
        "0 in force",
        "asn: shieldproxy-ASN (bundled), 1 days old",
        "var/journal, 1,000 records, 4 lost",
        "from config.toml",
    ):
        assert told in text
    assert all(len(line) <= 100 for line in text.splitlines())


def test_trouble_is_told(room: ControlRoom, typed: Type) -> None:
    """A refused reload, a degraded part, a silent origin and a journal that fails are all in view."""
    room.node.state = room.node.state._replace(
        mode="observe",
        origin=Origin("http://127.0.0.1:9000", up=False, detail="connection refused"),
        workers=1,
        reload_refused=("config.toml:3: server.mode: wrong",),
        degraded=("no ASN is known",),
        excess=("AS64500: 12.3/s, 41x its usual 0.3/s, 2% of its challenges answered",),
        journal=JournalState("var/journal", 1, 2, "disk full\x1b[2J"),
        geo=GeoState((GeoDatabase("asn", "Old-ASN", "configured", "x", 0.0, 100 * 86_400.0),)),
    )
    text = typed("status", "-c", room.config).stdout
    for told in (
        "everything passes",
        "DOES NOT ANSWER: connection refused",
        "1 of 2",
        "config.toml:3: server.mode: wrong",
        "no ASN is known",
        "AS64500: 12.3/s, 41x its usual 0.3/s",
        "disk full\\x1b[2J",
        "100 days old",
    ):
        assert told in text
    assert "\x1b" not in text


def test_status_is_one_object(room: ControlRoom, typed: Type, objects: Callable[[Result], list[Any]]) -> None:
    """For programs the status is one JSON object on one line."""
    (found,) = objects(typed("status", "--format", "json", "-c", room.config))
    assert found["last_minute"]["drop"] == 3


def test_counts_of_nothing() -> None:
    """No requests are said as such."""
    assert counts({}) == "0 requests"
    assert counts({"admit": 2}) == "2 requests, 0 % not admitted (admit 2)"


def test_the_server_that_nodes_share_has_its_line(room: ControlRoom, typed: Type) -> None:
    """Where there is one: whether it answers, and what went over it."""
    assert "shared" not in typed("status", "-c", room.config).stdout
    room.node.state = room.node.state._replace(shared=SharedState("valkey://192.0.2.10:6379", False, 3, 4, 5))
    text = typed("status", "-c", room.config).stdout
    assert "valkey://192.0.2.10:6379 DOES NOT ANSWER, 3 rulings told, 4 taken, 5 to be told" in text
