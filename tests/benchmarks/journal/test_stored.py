from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.journal.commands import CommandError, run
from benchmarks.journal.foreign_logs import write_logs
from benchmarks.journal.stored import store
from benchmarks.journal.synthesis import FLOODS
from shieldproxy.attribution.archive import open_archive
from shieldproxy.attribution.index import Index
from shieldproxy.core.record import Record
from shieldproxy.journal.filters import Filter
from shieldproxy.journal.foreign import ForeignLog
from shieldproxy.journal.reader import Reader
from tests.fakes.clock import HandClock

# 2026-11-01T00:00:00Z.
AFTER = 1_793_491_200.0
DAY = FLOODS[0].day


def test_a_day_as_lines_and_a_day_as_index_hold_the_same_kind_of_records(tmp_path: Path) -> None:
    """Lines are records in the form of the contract; the product indexes them, and takes the other day as it is."""
    store(tmp_path, 5_000, seed=1, days=range(DAY, DAY + 2), lined=range(DAY, DAY + 1))
    reader = Reader(tmp_path)
    found = [Record.from_dict(fields) for fields in reader.records(Filter())]
    assert reader.broken == 0
    assert len({record.client for record in found if record.asn >= 60_000}) > 100
    index = Index(tmp_path, HandClock(AFTER))
    assert index.update().records == len(found)
    with open_archive(index, update=False) as archive:
        (counted,) = archive.rows("SELECT count(*) FROM records")[0]
    assert counted > len(found)
    assert not index.content().segments


def test_foreign_logs_say_the_same_in_both_forms(tmp_path: Path) -> None:
    """Every line is a request."""
    logs = write_logs(tmp_path, 300, 1)
    combined, json = (ForeignLog(path) for path in logs.values())
    said = [[(int(one.time), one.address, one.path, one.status) for one in log.requests()] for log in (combined, json)]
    assert said[0] == said[1]
    assert len(said[0]) > 200
    assert combined.broken == json.broken == 0


def test_a_command_that_fails_is_no_figure(tmp_path: Path) -> None:
    """It says what the command said; one that does not has seconds and memory."""
    config = tmp_path / "config.toml"
    config.write_text("")
    with pytest.raises(CommandError, match="no month"):
        run(config, "report", "--month", "x")
    took = run(config, "check")
    assert took.wall > 0.0
    assert took.peak > 5.0
