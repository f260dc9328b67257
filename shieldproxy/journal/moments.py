"""Moments: how people write a point in time on a command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

ALLOWED = (
    "2026-11-24, 2026-11-24T10:15, 2026-11-24T10:15:00Z (UTC unless an offset is given), 10:15 (today, UTC), "
    "now, today, yesterday, or how long ago: 90s, 15m, 2h, 3d, 1w (also '2h ago')"
)

_AGO = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*(s|sec|m|min|h|d|w)(?:\s+ago)?", re.ASCII)
_UNITS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_CLOCK = re.compile(r"\d\d:\d\d(:\d\d)?", re.ASCII)


def parse_moment(text: str, now: float, *, end: bool = False) -> float:
    """Return the moment ``text`` says, in unix seconds; ``now`` likewise.

    A whole day is its first moment, or with ``end`` its last, so that ``--until 2026-11-24`` takes that day in.
    Without an offset times are UTC. Raises ValueError that names what is allowed.
    """
    word = text.strip().lower()
    if word == "now":
        return now
    ago = _AGO.fullmatch(word)
    if ago is not None:
        return now - float(ago[1]) * _UNITS[ago[2]]
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        day = _day(word, today)
        if day is not None:
            return day.timestamp() + (86_400 - 1e-6 if end else 0.0)
        return _written_out(text.strip(), today).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time; allowed: {ALLOWED}") from None


def _day(word: str, today: datetime) -> datetime | None:
    if word == "today":
        return today
    if word == "yesterday":
        return today - timedelta(days=1)
    return datetime.fromisoformat(word).replace(tzinfo=UTC) if _DATE.fullmatch(word) else None


def _written_out(text: str, today: datetime) -> datetime:
    if _CLOCK.fullmatch(text):
        text = f"{today:%Y-%m-%d}T{text}"
    if not _DATE.match(text) or len(text) < len("2026-11-24T10:15"):
        raise ValueError(text)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
