"""Certificates in use: what is left of them, and what is said."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import pytest

from shieldproxy.settings.reading import load
from shieldproxy.settings.schema import Settings
from shieldproxy.supervisor.certificates import InUse
from tests.pems import write_pair
from tests.supervisor.prepared_node import ListLog


def settings_with(folder: Path, **days: float) -> Settings:
    """Return settings of certificates that end so many days from now, each for its own name; the first is the usual."""
    usual, *others = [
        write_pair(folder, stem, f"{stem}.example", begins=dt.timedelta(days=-100), ends=dt.timedelta(days=left))
        for stem, left in days.items()
    ]
    more = ", ".join(f"{{certificate='{pair.certificate}', key='{pair.key}'}}" for pair in others)
    return load(None, (f"server.tls={{certificate='{usual.certificate}', key='{usual.key}', certificates=[{more}]}}",))


def test_the_first_that_ends_counts(tmp_path: Path) -> None:
    """Whichever it is; without TLS there is none."""
    found = InUse(settings_with(tmp_path, usual=90, other=30, third=60)).left(time.time())
    assert found == pytest.approx(30 * 86_400, abs=60)
    assert InUse(load(None)).left(time.time()) is None


def test_what_ends_soon_is_said_with_its_file_and_names(tmp_path: Path) -> None:
    """And of the others nothing; an ended one does not keep the node from starting."""
    log = ListLog()
    InUse(settings_with(tmp_path, usual=90, soon=5.5, ended=-3.5)).say(log, time.time())
    assert [(fields["file"], fields["why"], fields["names"]) for _, fields in log.said] == [
        (str(tmp_path / "soon.pem"), "ends in 5 days", ["soon.example"]),
        (str(tmp_path / "ended.pem"), "ended 3 days ago: browsers warn every visitor", ["ended.example"]),
    ]
