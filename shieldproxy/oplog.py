"""The operational log: what the program tells its operator about itself, on stderr, one line an event.

It is not the decision journal. Values may come from clients (a path, a header, the text of an error); they are
made harmless before a renderer sees them, so that no value can forge a line, colour a terminal or hide text.
"""

from __future__ import annotations

import json as json_library
import logging
import os
import sys
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TextIO, cast

import structlog

from shieldproxy.core.printing import printable

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

LEVELS = ("debug", "info", "warning", "error")

# A longer value is a body or an attack; the journal, not this log, is the place for whole requests.
MAX_VALUE = 1_000
MAX_ITEMS = 64
MAX_DEPTH = 4
# Events are named in code, so there are few; the bound is for an event name built from a value by mistake.
MAX_EVENTS = 256
MINUTE = 60.0
# A line begins with when, how grave, where and what, for eyes that go down a page of JSON.
FIRST = ("timestamp", "level", "room", "event")


class Log(Protocol):
    """What rooms need of a logger: an event in words, its particulars as fields."""

    def info(self, event: str, **fields: Any) -> Any:
        """Say what happened in the ordinary course of things."""

    def warning(self, event: str, **fields: Any) -> Any:
        """Say what an operator should look at."""

    def error(self, event: str, **fields: Any) -> Any:
        """Say what does not work."""


def harmless(text: str, limit: int = MAX_VALUE) -> str:
    """Return ``text`` on one line: what does not print is escaped, what goes beyond ``limit`` characters is cut."""
    cut = len(text) - limit
    if cut > 0:
        text = text[:limit]
    text = printable(text)
    return f"{text}... ({cut} more)" if cut > 0 else text


def harmless_value(value: Any, depth: int = 0) -> Any:
    """Return ``value`` with every text in it harmless; numbers, booleans and None stay, other things are written."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, bytes | bytearray):
        return harmless(bytes(value[: MAX_VALUE + 1]).decode("latin-1"))
    if depth < MAX_DEPTH and isinstance(value, dict):
        pairs = list(value.items())[:MAX_ITEMS]
        return {harmless(str(key)): harmless_value(entry, depth + 1) for key, entry in pairs}
    if depth < MAX_DEPTH and isinstance(value, list | tuple | set | frozenset):
        return [harmless_value(entry, depth + 1) for entry in list(value)[:MAX_ITEMS]]
    return harmless(str(value))


def _write_exception(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Turn ``exc_info`` into text, without the values of local variables: they may hold what nobody should read."""
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    if isinstance(found, BaseException):
        found = (type(found), found, found.__traceback__)
    if isinstance(found, tuple) and found[0] is not None:
        event["exception"] = "".join(traceback.format_exception(*found))
    return event


def _sanitise(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Make every value harmless; a traceback keeps its lines, each of them harmless and marked by ``|``."""
    for name, value in list(event.items()):
        if name.startswith("_"):
            continue
        if name in ("exception", "stack"):
            lines = str(value).rstrip("\n").split("\n")
            event[name] = "\n".join(f"    | {harmless(line)}" for line in lines)
        else:
            event[name] = harmless_value(value)
    return {name: event[name] for name in FIRST if name in event} | dict(event)


def _renderer(stream: TextIO, *, json: bool) -> Processor:
    if json:
        return structlog.processors.JSONRenderer(serializer=json_library.dumps)
    colours = stream.isatty() and "NO_COLOR" not in os.environ
    return structlog.dev.ConsoleRenderer(colors=colours, repr_native_str=True, pad_event_to=0)


def configure(level: str = "info", *, json: bool | None = None, stream: TextIO | None = None) -> None:
    """Send the log of this process, and that of the libraries in it, to ``stream`` (stderr) from ``level`` on.

    ``json`` None: lines for people on a terminal, JSON elsewhere. May be called again; the last call holds.
    Raises ValueError for a level that is none of LEVELS.
    """
    if level not in LEVELS:
        raise ValueError(f"{level!r} is no log level; allowed: {', '.join(LEVELS)}")
    stream = stream or sys.stderr
    as_json = not stream.isatty() if json is None else json
    number = getattr(logging, level.upper())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _write_exception,
        _sanitise,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(stream, json=as_json)],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Libraries chatter at info; what they warn of concerns the operator.
    root.setLevel(max(number, logging.WARNING) if level != "debug" else logging.DEBUG)
    logging.getLogger("shieldproxy").setLevel(number)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(number),
        cache_logger_on_first_use=False,
    )


def logger(room: str, **fields: Any) -> Log:
    """Return the logger of a room (``proxy``, ``journal``); ``fields`` stand in each of its lines."""
    return cast("Log", structlog.get_logger(f"shieldproxy.{room}", room=room, **fields))


class MinuteLog:
    """A logger that says each event once a minute at most, and then how often it had happened unsaid.

    For what a flood can set off: a fault on the request path must not fill the disk. ``clock`` is seconds of a
    monotonic clock. ``unsaid`` counts every line left out.
    """

    def __init__(self, log: Log, clock: Callable[[], float], interval: float = MINUTE) -> None:
        self._log = log
        self._clock = clock
        self._interval = interval
        self._events: dict[str, tuple[float, int]] = {}
        self.unsaid = 0

    def info(self, event: str, **fields: Any) -> None:
        """Say ``event`` unless it was said within the interval."""
        self._say(self._log.info, event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Say ``event`` unless it was said within the interval."""
        self._say(self._log.warning, event, fields)

    def error(self, event: str, **fields: Any) -> None:
        """Say ``event`` unless it was said within the interval."""
        self._say(self._log.error, event, fields)

    def _say(self, speak: Callable[..., Any], event: str, fields: dict[str, Any]) -> None:
        name = event if event in self._events or len(self._events) < MAX_EVENTS else "(other events)"
        now = self._clock()
        said, waiting = self._events.get(name, (now - self._interval, 0))
        if now - said < self._interval:
            self._events[name] = (said, waiting + 1)
            self.unsaid += 1
            return
        self._events[name] = (now, 0)
        if waiting:
            fields["unsaid"] = waiting
        speak(event, **fields)
