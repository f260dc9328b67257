"""The operational log: one event, one line, whatever a value holds."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy import oplog


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    ours = logging.getLogger("shieldproxy")
    before = (root.handlers[:], root.level, ours.level)
    yield
    root.handlers[:], level, our_level = before
    root.setLevel(level)
    ours.setLevel(our_level)
    structlog.reset_defaults()


def lines_of(*, as_json: bool, **fields: Any) -> list[str]:
    stream = io.StringIO()
    oplog.configure("info", json=as_json, stream=stream)
    oplog.logger("proxy").warning("origin answered nonsense", **fields)
    return stream.getvalue().splitlines()


FORGERIES = [
    "x\n2026-01-01T00:00:00Z [error] disk full",
    "x\r\nforged",
    "x\u2028forged",
    "x\x85forged",
    "x\x1b[2J\x1b[31mred",
    "x\u202egnp.exe",
    "x\x00y",
    "\ud800",
]


@pytest.mark.parametrize("value", FORGERIES)
@pytest.mark.parametrize("as_json", [True, False])
def test_no_value_forges_a_line(value: str, as_json: bool) -> None:  # noqa: FBT001 - a table column
    """A value with line breaks, escapes or bidirectional marks stays inside its one line and prints harmlessly."""
    lines = lines_of(as_json=as_json, path=value, headers={"k" + value: [value]}, raw=value.encode("utf-8", "replace"))
    assert len(lines) == 1
    assert lines[0].isprintable()


def test_no_event_name_forges_a_line() -> None:
    """Even an event text built from a value by mistake, or by a library, stays one line."""
    stream = io.StringIO()
    oplog.configure("info", json=False, stream=stream)
    logging.getLogger("aiohttp.server").error("Error handling %s", "GET /\nforged")
    oplog.logger("x").info("event\nforged")
    assert len(stream.getvalue().splitlines()) == 2


def test_a_console_value_cannot_pose_as_another_field() -> None:
    """Text values are quoted, so that one holding ``action=admit`` is not read as a field."""
    (line,) = lines_of(as_json=False, path="x' action='admit")
    assert "path=\"x' action='admit\"" in line


def test_json_lines_are_json_with_time_level_and_room() -> None:
    """With json, a line is one object that names when, how grave, which room, what and the fields."""
    (line,) = lines_of(as_json=True, status=502)
    entry = json.loads(line)
    assert entry["level"] == "warning"
    assert entry["room"] == "proxy"
    assert entry["event"] == "origin answered nonsense"
    assert entry["status"] == 502
    assert entry["timestamp"].endswith("Z")
    assert list(entry)[:4] == ["timestamp", "level", "room", "event"]


@pytest.mark.parametrize("as_json", [True, False])
def test_a_traceback_shows_no_values_of_variables_and_no_free_lines(as_json: bool) -> None:  # noqa: FBT001
    """An exception is written without local variables, and each of its lines is marked as belonging to it."""
    stream = io.StringIO()
    oplog.configure("info", json=as_json, stream=stream)
    secret = "hunter2"  # noqa: F841 - must not appear
    try:
        raise RuntimeError("bad\nforged line")
    except RuntimeError:
        oplog.logger("guard").error("stage failed", exc_info=True)
    text = stream.getvalue()
    assert "RuntimeError" in text
    assert "hunter2" not in text
    first, *rest = text.splitlines()
    assert "stage failed" in first
    assert all(line.startswith("    | ") for line in rest)


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_harmless_text_prints_and_is_bounded(text: str, limit: int) -> None:
    """Whatever comes in, what comes out prints, and is bounded by the limit times the longest escape."""
    result = oplog.harmless(text, limit)
    assert result.isprintable()
    assert len(result) <= limit * 10 + 40


def test_values_are_bounded_in_depth_and_number() -> None:
    """A deep or wide value is cut instead of filling the log."""
    deep: list[Any] = []
    for _ in range(100):
        deep = [deep]
    assert len(str(oplog.harmless_value(deep))) < 1_200
    assert len(oplog.harmless_value(list(range(1000)))) == oplog.MAX_ITEMS


def test_levels_below_the_configured_one_are_silent() -> None:
    """At level warning an info line is not written; libraries' info lines are never written at info."""
    stream = io.StringIO()
    oplog.configure("warning", json=True, stream=stream)
    oplog.logger("x").info("quiet")
    oplog.configure("info", json=True, stream=stream)
    logging.getLogger("asyncio").info("chatter")
    assert stream.getvalue() == ""


def test_an_unknown_level_is_named() -> None:
    """A level that does not exist is refused with those that do."""
    with pytest.raises(ValueError, match="'loud' is no log level; allowed: debug, info, warning, error"):
        oplog.configure("loud")


class Heard:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, Any]]] = []

    def info(self, event: str, **fields: Any) -> None:
        self.lines.append(("info", event, fields))

    def warning(self, event: str, **fields: Any) -> None:
        self.lines.append(("warning", event, fields))

    def error(self, event: str, **fields: Any) -> None:
        self.lines.append(("error", event, fields))


def test_an_event_is_said_once_a_minute_with_the_number_left_unsaid() -> None:
    """A thousand faults within a minute are one line; the next line says how many were left out."""
    heard, now = Heard(), [100.0]
    log = oplog.MinuteLog(heard, lambda: now[0])
    for _ in range(1_000):
        log.warning("stage failed", stage="denied")
    log.error("disk full")
    now[0] += 60.0
    log.warning("stage failed", stage="denied")
    assert heard.lines == [
        ("warning", "stage failed", {"stage": "denied"}),
        ("error", "disk full", {}),
        ("warning", "stage failed", {"stage": "denied", "unsaid": 999}),
    ]
    assert log.unsaid == 999


def test_the_table_of_events_is_bounded() -> None:
    """Event names without end share one entry beyond the bound, and stay limited."""
    heard = Heard()
    log = oplog.MinuteLog(heard, lambda: 1.0)
    for name in map(str, range(10_000)):
        log.info(name)
    assert len(heard.lines) == oplog.MAX_EVENTS + 1
    assert log.unsaid == 10_000 - oplog.MAX_EVENTS - 1


def test_a_minute_log_is_a_log() -> None:
    """The rate-limited logger stands wherever a logger does."""
    log: oplog.Log = oplog.MinuteLog(Heard(), lambda: 0.0)
    log.info("ready")
