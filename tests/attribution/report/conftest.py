"""A journal with an attack and with text that wants to do harm, and the report about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shieldproxy.attribution.archive import open_archive
from shieldproxy.attribution.detection import detect
from shieldproxy.attribution.index import Index
from shieldproxy.attribution.ledger import compile_ledger
from shieldproxy.attribution.report.content import Question, compile_content
from shieldproxy.attribution.visits import Period
from shieldproxy.core.episodes import EpisodePolicy
from tests.attribution.conftest import attacker, citizen, flood
from tests.fakes.clock import HandClock
from tests.fakes.records import TEN_FIFTEEN, write_journal

EVIL = "<script>alert(1)</script>\x1b[31m\u202e\"'&"
WHOLE = Period(int(TEN_FIFTEEN * 1000) - 3_600_000, int(TEN_FIFTEEN * 1000) + 7_200_000)


def content_of(journal: Path, period: Period = WHOLE, *, duckdb: bool = True) -> dict[str, Any]:
    """Return the content of the report about ``journal``."""
    now, policy = TEN_FIFTEEN + 86_400.0, EpisodePolicy()
    with open_archive(Index(journal, HandClock(now)), duckdb=duckdb) as archive:
        ledger = compile_ledger(archive, detect(archive, policy, now), [], policy, "0")
        return compile_content(archive, Question(period, "November 2026", now, policy.words()), ledger)


@pytest.fixture(scope="session")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An attack, and clients whose every text is hostile."""
    evil: dict[str, Any] = {
        "path": f"/{EVIL}",
        "user_agent": EVIL,
        "host": EVIL,
        "as_name": EVIL,
        "asn": 64666,
        "fingerprint": EVIL,
    }
    records = [*flood(), citizen(1_900.0, weight=500, **evil)]
    records += [attacker(700.0 + n / 100, 999, query=f"{EVIL}=1", **evil) for n in range(900)]
    place = tmp_path_factory.mktemp("report") / "journal"
    write_journal(place, sorted(records, key=lambda record: record.ts))
    return place


@pytest.fixture(scope="session")
def content(journal: Path) -> dict[str, Any]:
    """The content of the report about that journal; nobody changes it."""
    return content_of(journal)
