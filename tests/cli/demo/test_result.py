"""The result: when it is good, and that it adds up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shieldproxy.cli.demo.result import Result, result_of
from shieldproxy.cli.demo.scoring import Score
from shieldproxy.cli.demo.stage import Stage
from tests.cli.demo.plays import STAGE, played, score


def result(**changes: Any) -> Result:
    """Return the result of a good show, or of one with ``changes``: hurts, sent, lost, cut."""
    told: Score = score()
    told.lost = changes.pop("lost", 0)
    return result_of(STAGE, played(**changes), told)


def test_a_good_show_is_ok() -> None:
    """Nobody hurt, every request in the journal."""
    good = result()
    assert good["ok"] is True
    assert good["citizens"]["hurt"] == 0
    assert good["journal"]["requests"] == good["journal"]["sent"]
    assert good["attack"]["networks"][0]["asn"] == 212238


def test_a_hurt_citizen_is_not_ok() -> None:
    """One is too many, and is named."""
    bad = result(hurts=["/: answered 403 instead of the page"])
    assert bad["ok"] is False
    assert bad["citizens"]["hurts"][0]["how"] == "/: answered 403 instead of the page"


def test_a_journal_that_does_not_add_up_is_not_ok() -> None:
    """Requests without a record, or records that were lost, are a failure of ours."""
    assert result(sent=120)["ok"] is False
    assert result(lost=1)["ok"] is False


def test_connections_closed_unread_need_no_record() -> None:
    """Whoever is banned is not read, so nothing of it can be in the journal."""
    assert result(sent=103, cut=3)["ok"] is True


def test_stand_ins_are_marked() -> None:
    """A network that the published figures do not name is said to stand in."""
    marks = {network["asn"]: network["stand_in"] for network in result()["attack"]["networks"]}
    assert marks == {212238: False, 64500: True}


def test_paths_lead_to_what_was_written() -> None:
    """Report, journal and configuration lie in the directory of the run."""
    told = result()
    assert {Path(told[key]).parent for key in ("report", "config")} == {STAGE.directory}
    assert Path(told["journal"]["directory"]) == Stage(STAGE.directory).journal
