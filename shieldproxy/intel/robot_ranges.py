"""Published ranges of robots: what operators' files say, the node's own copy of them, and when it changes."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from shieldproxy.core.addresses import Network
from shieldproxy.intel.bogons import bogon_networks
from shieldproxy.intel.sources import networks as joined
from shieldproxy.intel.tables import SNAPSHOT, read_robots

# The node's copy, in the directory of the state; the snapshot in the package counts where there is none.
FILE = "robots.csv"
FETCHED = "# Fetched "
# The largest published list has some 1,500 entries in 60 kB; more is no list of ranges.
MOST_BYTES = 1 << 20
MOST_NETWORKS = 20_000
# Whoever could change a published file must not be able to vouch for a large part of the Internet.
WIDEST = {4: 12, 6: 28}
Entry = tuple[Network, str]


def parse_ranges(content: bytes) -> list[Network]:
    """Return the networks in a published file: JSON as Google, Bing and Apple write it, or one a line.

    Raises:
        ValueError: it is neither, holds none or too many, or one that no operator of a robot owns; says which.
    """
    if len(content) > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES} bytes")
    text = content.decode("utf-8-sig", "replace").strip()
    found = joined(prefixes_of(text) if text.startswith(("{", "[")) else lines_of(text))
    if not found:
        raise ValueError("it holds no address")
    if len(found) > MOST_NETWORKS:
        raise ValueError(f"it holds {len(found)} networks, more than {MOST_NETWORKS}")
    for network in found:
        if network.prefixlen < WIDEST[network.version]:
            raise ValueError(f"{network} is wider than any robot's (/{WIDEST[network.version]})")
        if any(network.version == bogon.version and network.overlaps(bogon) for bogon, _ in bogon_networks()):
            raise ValueError(f"{network} is no network of the Internet")
    return found


def prefixes_of(text: str) -> list[str]:
    """Return the prefixes of a JSON file: ``{"prefixes": [{"ipv4Prefix": ...}, {"ipv6Prefix": ...}]}``."""
    document = json.loads(text)
    prefixes = document.get("prefixes") if isinstance(document, dict) else None
    if not isinstance(prefixes, list):
        raise ValueError('it has no list "prefixes"')
    found: list[str] = []
    for entry in prefixes:
        said = [entry.get(key) for key in ("ipv4Prefix", "ipv6Prefix")] if isinstance(entry, dict) else []
        texts = [one for one in said if isinstance(one, str)]
        if not texts:
            raise ValueError(f"an entry of prefixes has neither ipv4Prefix nor ipv6Prefix: {str(entry)[:80]}")
        found += texts
    return found


def lines_of(text: str) -> list[str]:
    """Return the addresses and networks of a text file, without comments."""
    return [line.partition("#")[0].strip() for line in text.splitlines()]


def write_ranges(path: Path, entries: Mapping[str, Sequence[Network]], now: float) -> None:
    """Put the ranges by robot in place of what is at ``path``, in one step; ``now`` is unix seconds. Raises OSError."""
    out = io.StringIO()
    out.write(f"{FETCHED}{datetime.fromtimestamp(now, UTC):%Y-%m-%dT%H:%M:%SZ} by shieldproxy geo update.\n")
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(("network", "robot"))
    rows.writerows((str(network), robot) for robot in sorted(entries) for network in entries[robot])
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(out.getvalue())
            file.flush()
            os.fsync(file.fileno())
        beside.chmod(0o644)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def by_robot(entries: Iterable[Entry]) -> dict[str, list[Network]]:
    """Return networks by robot."""
    found: dict[str, list[Network]] = {}
    for network, robot in entries:
        found.setdefault(robot, []).append(network)
    return found


class RobotRanges:
    """The ranges in use: the node's copy while it is sound, else the snapshot. ``refresh`` looks for changes."""

    def __init__(self, directory: Path, *, snapshot: Path = SNAPSHOT / "crawlers.csv") -> None:
        self.path = directory / FILE
        self._snapshot = snapshot
        self._signature: tuple[int, int, int] | None = None
        self.entries: list[Entry] = []
        self.problem = ""
        self.fetched = ""  # when the copy was fetched, RFC 3339; '' for the snapshot
        self.refresh()

    def refresh(self) -> list[str]:
        """Take over a changed file; return what is new, or what is wrong with it: then what was good stays."""
        signature = signature_of(self.path)
        if self.entries and signature == self._signature:
            return []
        first = not self.entries
        self._signature = signature
        if signature is None:
            self.entries, self.fetched, self.problem = read_robots(self._snapshot), "", ""
            return [] if first else [f"{self.path} is gone; using the robots' ranges of the package"]
        try:
            entries, fetched = read_robots(self.path), fetched_of(self.path)
            if not entries:
                raise ValueError("it holds no range")
        except (OSError, ValueError) as error:
            self.problem = f"{self.path} cannot be used: {error}"
            self.entries = self.entries or read_robots(self._snapshot)
            return [f"{self.problem}; the robots' ranges stay as they were"]
        self.entries, self.fetched, self.problem = entries, fetched, ""
        return [] if first else [f"now using {len(entries)} ranges of robots fetched {fetched or 'at an unknown time'}"]


def signature_of(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file does; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def fetched_of(path: Path) -> str:
    """Return when the copy at ``path`` was fetched, as its first line says, or ''."""
    with path.open(encoding="utf-8") as file:
        first = file.readline()
    return first.removeprefix(FETCHED).partition(" ")[0] if first.startswith(FETCHED) else ""
