"""The small tables of the snapshot folder, readable text: kinds of networks and addresses of robots."""

from __future__ import annotations

import csv
import ipaddress
from collections.abc import Iterable, Iterator
from pathlib import Path

from shieldproxy.core.addresses import Network
from shieldproxy.core.facts import NETWORK_CLASSES

SNAPSHOT = Path(__file__).parent / "snapshot"


def rows(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    """Rows of a CSV file with a heading; lines that begin with # are comments."""
    return csv.DictReader(line for line in lines if not line.startswith("#"))


def read_classes(path: Path = SNAPSHOT / "network_class.csv") -> dict[int, str]:
    """Kind of network by AS number, from a file with the columns asn and class.

    Raises:
        OSError: the file cannot be read.
        ValueError: a row is not an AS number and a known class; says which.
    """
    found = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in rows(lines):
            asn, word = row.get("asn", ""), row.get("class", "")
            if not (asn.isascii() and asn.isdecimal()) or word not in NETWORK_CLASSES:
                raise ValueError(f"{path.name}: {asn!r} is {word!r}: want an AS number and one of {NETWORK_CLASSES}")
            found[int(asn)] = word
    return found


def read_robots(path: Path = SNAPSHOT / "crawlers.csv") -> list[tuple[Network, str]]:
    """Networks and the robot that publishes them as its own, from a file with the columns network and robot.

    Raises:
        OSError: the file cannot be read.
        ValueError: a row is no network, or has no robot.
    """
    found: list[tuple[Network, str]] = []
    with path.open(encoding="utf-8", newline="") as lines:
        for row in rows(lines):
            if not row.get("robot"):
                raise ValueError(f"{path.name}: {row.get('network')!r} names no robot")
            found.append((ipaddress.ip_network(row["network"]), row["robot"]))
    return found
