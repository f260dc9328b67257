"""A published list of attackers becomes a journal: ``python -m benchmarks.attackers LIST.csv JOURNAL [list]``.

The list has one address a row, with the columns ip_address, first_seen_utc, last_seen_utc and counter. Each address
asks evenly over its time, in records that stand for several requests; before, during and after it citizens browse.
The first twenty seconds get through, then all are challenged and nobody answers. Labels are those of the bundled
databases today; with the word ``list`` those that the list gives (as_number, as_name, geolocation).
"""

from __future__ import annotations

import csv
import heapq
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from shieldproxy.core.addresses import client_key, parse_address
from shieldproxy.core.facts import NetworkLabel
from shieldproxy.core.record import Record, rfc3339
from shieldproxy.intel.databases import Databases
from shieldproxy.intel.networks import Networks
from shieldproxy.intel.tables import read_classes, read_robots
from shieldproxy.journal.segment_writer import Rotation, SegmentWriter

# Seconds between two records of one address, seconds that get through, seconds of citizens before and after.
EVERY, THROUGH, CALM = 30.0, 20.0, 86_400.0
BATCH = 4_096


class Attacker(NamedTuple):
    """One row of the list; unix seconds."""

    address: str
    first: float
    last: float
    requests: int
    label: NetworkLabel


def read_list(path: Path) -> list[Attacker]:
    """Return the rows of the list."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Attacker(
                row["ip_address"],
                seconds(row["first_seen_utc"]),
                seconds(row["last_seen_utc"]),
                int(row["counter"]),
                NetworkLabel(int(row.get("as_number") or 0), row.get("as_name") or "", row.get("geolocation") or ""),
            )
            for row in csv.DictReader(file)
        ]


def seconds(text: str) -> float:
    """Return unix seconds of ``2024-01-17 06:17:37``."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def course_of(attacker: Attacker) -> Iterator[tuple[float, int]]:
    """Yield (unix seconds, requests) from the first to the last moment; the sum is what the list says."""
    steps = max(1, min(attacker.requests - 1, round((attacker.last - attacker.first) / EVERY)))
    told = 0
    for step in range(steps + 1):
        upto = round(attacker.requests * (step + 1) / (steps + 1))
        if upto > told:
            yield attacker.first + (attacker.last - attacker.first) * step / steps, upto - told
        told = upto


def citizens(since: float, until: float) -> Iterator[tuple[float, Record]]:
    """Yield people who browse, three requests a second."""
    for number in range(int((until - since) / 2)):
        address = f"198.51.100.{number * 7 % 250}"
        yield since + number * 2.0, Record(
            src_ip=address, client=address, method="GET", host="www.example.org", path=f"/page/{number % 40}",
            fingerprint="people", stage="admit", status=200, duration_us=20_000, weight=6,
        )  # fmt: skip


def attack(attacker: Attacker, began: float, networks: Networks, *, listed: bool) -> Iterator[tuple[float, Record]]:
    """Yield the requests of one attacker."""
    parsed = parse_address(attacker.address)
    assert parsed is not None
    label = attacker.label if listed else networks.label(str(parsed))
    one = Record(
        src_ip=str(parsed), client=client_key(parsed), asn=label.asn, as_name=label.as_name, country=label.country,
        network_class=label.network_class, method="GET", host="www.example.org", path="/search", query="q=1",
        fingerprint="machine", action="challenge", stage="over_shared_limit", rule="asn", status=503,
        challenge="issued", duration_us=300, geo=networks.version,
    )  # fmt: skip
    for moment, weight in course_of(attacker):
        if moment - began < THROUGH:
            yield moment, one._replace(action="admit", stage="admit", rule="", status=200, challenge="", weight=weight)
        else:
            yield moment, one._replace(weight=weight)


def main(path: Path, journal: Path, *, listed: bool = False) -> None:
    """Write the journal."""
    attackers = read_list(path)
    networks = Networks(Databases(folders=()), read_classes(), read_robots())
    began, ended = min(one.first for one in attackers), max(one.last for one in attackers)
    streams = [
        citizens(began - CALM, ended + CALM),
        *(attack(one, began, networks, listed=listed) for one in attackers),
    ]
    clock = [began - CALM]
    writer = SegmentWriter(
        journal, "published.0", wall=lambda: clock[0], monotonic=lambda: clock[0], rotation=Rotation(3_600.0)
    )
    writer.open()
    batch: list[Record] = []
    count = 0
    for moment, record in heapq.merge(*streams, key=lambda pair: pair[0]):
        if len(batch) == BATCH:
            count += writer.write(batch)
            clock[0] = moment
            writer.seal_when_due()
            batch = []
        batch.append(record._replace(ts=rfc3339(moment), node="published"))
    count += writer.write(batch)
    writer.close()
    print(f"{count:,} records of {len(attackers)} attackers and the citizens beside them")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), listed=sys.argv[3:] == ["list"])
