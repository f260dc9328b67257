"""Who and asn: databases, node and journal asked in one go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from shieldproxy.cli.who import name_of
from shieldproxy.core.record import Record
from tests.fakes.clock import HandClock
from tests.fakes.control_room import ControlRoom
from tests.fakes.records import TEN_FIFTEEN, record_at, segment_writer

Type = Callable[..., Result]
Objects = Callable[[Result], list[Any]]
CLOUDFLARE = 13335
TODAY = ("--since", "2026-11-24")


@pytest.fixture
def visited(room: ControlRoom) -> ControlRoom:
    """A room whose journal has twenty visits of 1.1.1.1 at 10:15, one of 192.0.2.1, and an older one."""
    now = TEN_FIFTEEN
    records = [
        visit(now - 60 + number, "1.1.1.1", CLOUDFLARE, "drop" if number % 4 == 0 else "admit") for number in range(20)
    ]
    records += [visit(now - 30, "192.0.2.1", 0, "admit"), visit(now - 3 * 86_400, "1.1.1.1", CLOUDFLARE, "refuse")]
    for opened, part in ((now - 3 * 86_400, records[-1:]), (now, records[:-1])):
        writer = segment_writer(room.config.parent / "var" / "journal", f"n.{opened:.0f}", clock=HandClock(opened))
        writer.write(part)
        writer.close()
    return room


def visit(when: float, client: str, asn: int, action: str) -> Record:
    return record_at(
        when - TEN_FIFTEEN,
        src_ip=client,
        client=client,
        asn=asn,
        as_name="CLOUDFLARENET" if asn else "",
        path="/\x1b[2Jsearch",
        action=action,
    )


def test_who_puts_together_all_that_is_known(visited: ControlRoom, typed: Type) -> None:
    """Network, country, bans of the running node, counts of the last day and the last records are told at once."""
    visited.node.ban("1.1.1.0/24", 600, "flood")
    result = typed("who", "1.1.1.1", *TODAY, "--limit", "3", "-c", visited.config)
    assert result.exit_code == 0
    for told in ("AS13335 Cloudflare", "1.1.1.0/24 for another 10m", "20 requests since", "admit 15, drop 5"):
        assert told in result.stdout
    assert result.stdout.count("www.example.org/") == 3
    assert "\x1b" not in result.stdout


def test_who_for_programs_is_one_object(visited: ControlRoom, typed: Type, objects: Objects) -> None:
    """With --format json everything is one object, the last records in order of time."""
    (found,) = objects(typed("who", "1.1.1.1", "--since", "2026-11-20", "--format", "json", "-c", visited.config))
    assert found["asn"] == CLOUDFLARE
    assert found["journal"]["requests"] == 21
    assert found["journal"]["actions"]["refuse"] == 1
    assert len(found["records"]) == 10
    assert [row["ts"] for row in found["records"]] == sorted(row["ts"] for row in found["records"])


def test_who_of_a_network_takes_all_of_it(visited: ControlRoom, typed: Type, objects: Objects) -> None:
    """A network is counted whole, and described by its first address."""
    (found,) = objects(typed("who", "192.0.2.0/24", *TODAY, "--format", "json", "-c", visited.config))
    assert found["journal"]["requests"] == 1
    assert found["reserved_for"]


def test_who_without_a_node_tells_the_rest(visited: ControlRoom, typed: Type) -> None:
    """When the node does not run, its bans are said to be unknown and the rest is told."""
    visited.close()
    result = typed("who", "1.1.1.1", "-c", visited.config)
    assert result.exit_code == 0
    assert "not known: the running node was not reached" in result.stdout
    assert "note: bans are not known: no node answers" in result.stderr


def test_asn_counts_actions_and_clients(visited: ControlRoom, typed: Type, objects: Objects) -> None:
    """An ASN's name, class, counts by action and heaviest clients of the last day are told."""
    text = typed("asn", "AS13335", *TODAY, "-c", visited.config).stdout
    assert "AS13335 CLOUDFLARENET" in text
    assert "20 requests since" in text
    (found,) = objects(typed("asn", "13335", *TODAY, "--format", "json", "-c", visited.config))
    assert found["journal"]["clients"] == {"1.1.1.1": 20}
    assert found["network_class"] in ("hosting", "vpn", "carrier", "other")


def test_a_name_is_found_in_the_database_too(room: ControlRoom, typed: Type) -> None:
    """An ASN that never visited is named by the database; one that does not exist has no name."""
    assert "AS13335 Cloudflare" in typed("asn", "13335", "-c", room.config).stdout
    entries = [("192.0.2.0/24", {"autonomous_system_number": 7, "autonomous_system_organization": "SEVEN"})]
    assert name_of(7, entries) == "SEVEN"
    assert name_of(8, entries) == ""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("who", "example.org"), "allowed: an address"),
        (("who", "10.0.0.0/55"), "allowed: an address"),
        (("who", "1.1.1.1", "--since", "soon"), "is no time; allowed"),
        (("asn", "x"), "is no ASN; allowed"),
        (("asn", "99999999999"), "is no ASN"),
    ],
)
def test_a_wrong_question_is_exit_2(tmp_path: Path, typed: Type, words: tuple[str, ...], told: str) -> None:
    """What is no address, no ASN or no time is refused with what is allowed."""
    config = tmp_path / "config.toml"
    config.write_text("")
    result = typed(*words, "-c", config)
    assert result.exit_code == 2
    assert told in " ".join(result.stderr.split())
