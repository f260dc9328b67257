"""Equipment: a guard wired to real tables, databases and a journal, in one process."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shieldproxy.app.equipment import Equipment
from shieldproxy.core.addresses import parse_address
from shieldproxy.core.errors import StartError
from shieldproxy.core.ladder import Ban
from shieldproxy.guard.decisions import Decision, Outcome
from shieldproxy.guard.visits import Peer, Visit
from shieldproxy.journal.filters import Filter
from shieldproxy.journal.reader import Reader
from shieldproxy.settings.reading import load
from shieldproxy.settings.schema import Settings
from shieldproxy.state.memory import NodeMemory, Region, Sizes
from shieldproxy.state.tallies import read_totals
from tests.fakes.databases import asn_record, country_record, write_mmdb
from tests.scenes import request

Make = Callable[..., Equipment]


class ListLog:
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []

    def info(self, event: str, **fields: Any) -> None:
        self.said.append((event, fields))

    warning = error = info


@pytest.fixture
def memory() -> Iterator[NodeMemory]:
    """The memory of a small node."""
    made = NodeMemory.create(Sizes(buckets=1_024, bans=64, spent=64, workers=3), bytes(32))
    yield made
    made.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with everything in the test's own folder, and databases that know one network."""
    write_mmdb(tmp_path / "asn.mmdb", {"5.6.7.0/24": asn_record(64500, "Flood Hosting")})
    write_mmdb(tmp_path / "country.mmdb", {"5.6.7.0/24": country_record("CH")}, "GeoLite2-Country")
    return load(None, overrides(tmp_path))


def overrides(folder: Path, *more: str) -> tuple[str, ...]:
    """Return overrides that keep everything in ``folder``."""
    return (
        f"state={{directory='{folder}/state', buckets=1024}}",
        f"journal.directory='{folder}/journal'",
        f"geo={{asn='{folder}/asn.mmdb', country='{folder}/country.mmdb', refresh='1s'}}",
        "limits.client={scope='client', rate=1, burst=2}",
        *more,
    )


@pytest.fixture
def make(settings: Settings, memory: NodeMemory) -> Make:
    """A function that equips a process of the node."""

    def equip(index: int = 0, log: ListLog | None = None, imposed: list[Ban] | None = None) -> Equipment:
        bans = imposed if imposed is not None else []
        return Equipment(
            settings,
            memory,
            node="edge",
            index=index,
            allowed=(),
            log=log or ListLog(),
            on_ban=lambda ban, _visit: bans.append(ban),
        )

    return equip


def visit(equipment: Equipment, address: str = "5.6.7.8") -> Visit:
    """Return the visit of a client."""
    parsed = parse_address(address)
    assert parsed is not None
    return equipment.guard.meet(parsed)


def ask(equipment: Equipment, address: str = "5.6.7.8") -> Decision:
    """Ask for a page, and settle it."""
    decision = equipment.guard.decide(Peer(address), visit(equipment, address), request())
    equipment.guard.settle(decision, Outcome(200))
    return decision


def stages(equipment: Equipment, times: int) -> list[str]:
    """Return what was decided on so many requests."""
    return [ask(equipment).verdict.stage for _ in range(times)]


def test_processes_of_one_node_share_their_buckets(make: Make) -> None:
    """What one has charged the other finds charged."""
    one, other = make(0), make(1)
    assert stages(one, 2) == ["admit", "admit"]
    assert stages(other, 1) == ["over_own_limit"]


def test_databases_are_those_of_the_configuration(make: Make) -> None:
    """A client is labelled by them, and the busiest networks have the names they tell."""
    equipment = make()
    assert visit(equipment).visitor.label.as_name == "Flood Hosting"
    assert equipment.busy_networks() == {}
    ask(equipment)
    equipment.tallies.publish()
    assert {asn: label.as_name for asn, label in equipment.busy_networks().items()} == {64500: "Flood Hosting"}


async def test_a_database_that_cannot_be_used_is_named_once(make: Make, tmp_path: Path) -> None:
    """By the first process of the node, at its start; the others know as much and say nothing."""
    (tmp_path / "asn.mmdb").write_bytes(b"no database")
    logs = [ListLog(), ListLog()]
    for index, log in enumerate(logs):
        equipment = make(index, log)
        equipment.open()
        await equipment.close()
    (told,) = [fields["said"] for event, fields in logs[0].said if event == "geo"]
    assert "asn.mmdb" in told
    assert logs[1].said == []


async def test_a_second_is_named_counted_and_survives_what_fails_in_it(make: Make, memory: NodeMemory) -> None:
    """Once a second what was counted is shown, and a part of it that fails is told and not the last."""
    log = ListLog()
    rounds: list[int] = []
    enough = asyncio.Event()
    equipment = make(0, log)
    equipment.open()
    before = ask(equipment).id

    def then() -> None:
        rounds.append(1)
        if len(rounds) == 1:
            raise ValueError("not today")
        enough.set()

    ticking = asyncio.ensure_future(equipment.keep_time(then))
    await asyncio.wait_for(enough.wait(), 20)
    ticking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await ticking
    assert [event for event, _ in log.said] == ["a tick failed"]
    assert int(ask(equipment).id.split(".")[0], 16) > int(before.split(".")[0], 16)
    await equipment.close()
    assert read_totals(memory.region(Region.TALLIES)).counters["journal_records"] == 2
    assert 64500 in read_totals(memory.region(Region.TALLIES)).networks


async def test_what_was_decided_is_in_the_journal_at_the_end(make: Make, settings: Settings) -> None:
    """Closing writes what waits, and seals."""
    equipment = make()
    equipment.open()
    decision = ask(equipment)
    assert equipment.journal_problem == ""
    await equipment.close()
    (record,) = Reader(settings.journal.directory).records(Filter())
    assert (record["id"], record["node"], record["as_name"]) == (decision.id, "edge-0", "Flood Hosting")


def test_new_settings_hold_and_buckets_stay(make: Make, tmp_path: Path) -> None:
    """A limit that is eased eases at once; who was beyond it is still beyond what was not eased."""
    equipment = make()
    assert stages(equipment, 3) == ["admit", "admit", "over_own_limit"]
    equipment.adopt(load(None, overrides(tmp_path, "bans.offences=7")))
    assert equipment.guard.policy.bans.offences == 7
    assert stages(equipment, 1) == ["over_own_limit"]
    equipment.adopt(load(None, overrides(tmp_path, "limits.client.burst=10")))
    assert stages(equipment, 1) == ["admit"]


def test_keys_that_cannot_be_read_leave_all_as_it_was(make: Make, tmp_path: Path) -> None:
    """Half a reload would be worse than none."""
    equipment = make()
    before = equipment.guard.policy
    (tmp_path / "state" / "clearance.keys").write_text("damaged")
    with pytest.raises(StartError, match=r"clearance\.keys"):
        equipment.adopt(load(None, overrides(tmp_path, "bans.offences=7")))
    assert equipment.guard.policy is before


def test_an_allowance_replaces_the_one_before(make: Make) -> None:
    """What an operator let through is exempt, until the next list comes."""
    equipment = make()
    assert stages(equipment, 3)[-1] == "over_own_limit"
    equipment.allow((ipaddress.ip_network("5.6.7.0/24"),))
    assert stages(equipment, 1) == ["exempt"]
    equipment.allow(())
    assert stages(equipment, 1) == ["over_own_limit"]
