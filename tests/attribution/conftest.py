"""Journals of the kind that analysis meets: a calm day with a flood in it, and both engines to ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from shieldproxy.attribution.archive import Archive, open_archive
from shieldproxy.attribution.index import Index
from shieldproxy.core.record import Record
from tests.fakes.clock import HandClock
from tests.fakes.records import TEN_FIFTEEN, record_at, write_journal

Open = Callable[..., AbstractContextManager[Archive]]


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """The index of ``tmp_path/journal`` a day later."""
    return Index(tmp_path / "journal", HandClock(TEN_FIFTEEN + 86_400))


@pytest.fixture(params=[True, False], ids=["duckdb", "sqlite"])
def opened(request: pytest.FixtureRequest, index: Index) -> Open:
    """Open the archive of that journal, once with each engine."""
    return lambda since="", until="": open_archive(index, since, until, duckdb=request.param)


def citizen(second: float, number: int = 0, **fields: object) -> Record:
    """Return a page view of a person at home."""
    address = f"198.51.100.{number % 250}"
    common: dict[str, object] = {
        "src_ip": address,
        "client": address,
        "asn": 64510,
        "as_name": "Home Carrier",
        "country": "LI",
        "network_class": "carrier",
        "path": f"/page/{number % 20}",
        "query": "",
        "user_agent": "Mozilla/5.0 Firefox/140.0",
        "fingerprint": "people",
        "action": "admit",
        "stage": "admit",
        "rule": "",
        "reasons": (),
        "status": 200,
        "duration_us": 20_000,
        "bytes_out": 5_000,
    }
    return record_at(second, **(common | fields))


def attacker(second: float, number: int = 0, **fields: object) -> Record:
    """Return a request of a botnet in two hosting networks, challenged and never answered."""
    address = f"203.0.{113 + number % 2}.{number % 200}"
    common: dict[str, object] = {
        "src_ip": address,
        "client": address,
        "asn": 64500 + number % 2,
        "as_name": f"Flood Hosting {number % 2}",
        "country": "NL",
        "path": "/search",
        "query": f"q={number}",
        "fingerprint": "machine",
        "action": "challenge",
        "stage": "over_shared_limit",
        "rule": "asn",
        "status": 503,
        "challenge": "issued",
        "duration_us": 300,
    }
    return record_at(second, **(common | fields))


def flood(
    start: float = 600.0, seconds: int = 120, rate: int = 40, calm: int = 1_800, first: int = 0
) -> Iterator[Record]:
    """Yield ``calm`` seconds of two page views a second, and a flood of ``rate`` a second from ``start`` on."""
    for second in range(calm):
        yield citizen(second + 0.1, second)
        yield citizen(second + 0.6, second + 7)
        if start <= second < start + seconds:
            for number in range(rate):
                yield attacker(second + number / rate, first + second * rate + number)


@pytest.fixture
def flooded(tmp_path: Path) -> Path:
    """A journal of half an hour, two minutes of it a flood from minute ten on."""
    write_journal(tmp_path / "journal", flood())
    return tmp_path / "journal"
