"""The summary: four questions answered in words that fit a terminal."""

from __future__ import annotations

from shieldproxy.cli.demo.result import result_of
from shieldproxy.cli.demo.summary import WIDTH, summary
from tests.cli.demo.plays import STAGE, played, score

COMMANDS = frozenset(("logs", "explain", "report"))


def words(hurts: list[str] | None = None, known: frozenset[str] = COMMANDS) -> str:
    """Return the summary of a show."""
    return summary(result_of(STAGE, played(hurts=hurts), score()), "shieldproxy", known)


def test_the_four_questions_are_answered() -> None:
    """What was stopped, who was hurt, who attacked, where it is written."""
    text = words()
    assert "80 of 90 attack requests, 88.9 %, did not reach the site" in text
    assert "in the first 20 s of the flood 83.3 %, after that 100.0 %" in text
    assert "a limit of 10 requests a second for each address would have stopped" in text
    assert "nobody: all 1 citizens got every page" in text
    assert "AS212238 Datacamp" in text
    assert str(STAGE.report) in text
    assert str(STAGE.journal) in text


def test_nothing_is_painted_over() -> None:
    """A hurt citizen is in the summary, with what happened."""
    text = words(hurts=["/: answered 403 instead of the page"])
    assert "nobody" not in text
    assert "1 of 1 citizens" in text
    assert "answered 403" in text


def test_commands_to_try_are_real() -> None:
    """They name this run's configuration and IDs that the journal has; a command that is not there is not named."""
    text = words()
    assert f"shieldproxy explain -c {STAGE.config} c" in text
    assert f"shieldproxy explain -c {STAGE.config} d" in text
    assert "report -c" not in words(known=frozenset(("logs",)))


def test_it_fits_a_narrow_terminal() -> None:
    """80 columns, but for a path or a command, which must stay whole to be copied."""
    long = [line for line in words().splitlines() if len(line) > WIDTH]
    assert all(str(STAGE.directory) in line for line in long)
