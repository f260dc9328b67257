"""Import moments: the times of other servers' logs as records write them, and as the ID of a record begins."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from shieldproxy.journal.combined import common_time, moment_of

# The beginning of RFC 3339 as servers of this century write it.
TO_THE_SECOND = re.compile(r"20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d", re.ASCII).fullmatch


# A moment: its ts, and its second as it stands in IDs.
When = tuple[str, str]


@lru_cache(4_096)  # lines of one second share it
def common(text: str) -> When:
    """Return the moment of ``17/May/2015:10:05:03 +0000``; raises ValueError or OverflowError when it is none."""
    return when_of(common_time(text))


def when_of(value: str | float) -> When:
    """Return the moment of ``value`` (combined.moment_of says in which forms).

    Raises ValueError or OverflowError when it is none, or none that records can write.
    """
    if isinstance(value, str) and value[19:20] == "." and value[-1] == "Z":  # seldom comes again
        fraction = value[20:-1]
        if len(fraction) <= 6 and fraction.isdecimal() and fraction.isascii():
            second, begun = _second(value[:19])
            if second:
                return f"{second}.{fraction:0<6}Z", begun
    return _any_moment(value)


@lru_cache(4_096)
def _any_moment(value: str | float) -> When:
    unix_seconds = moment_of(value)
    return stamp(unix_seconds), f"{int(unix_seconds) & 0xFFFFFFFF:08x}"


@lru_cache(4_096)
def _second(text: str) -> tuple[str, str]:
    """Return the second ``text`` (UTC) as ts and IDs begin, '' and '' when it is not in the usual form."""
    if TO_THE_SECOND(text) is None:
        return "", ""
    unix_seconds = moment_of(f"{text}Z")
    return stamp(unix_seconds)[:19], f"{int(unix_seconds) & 0xFFFFFFFF:08x}"


def stamp(unix_seconds: float) -> str:
    """Return a moment as records write it; raises ValueError or OverflowError when it is none."""
    moment = datetime.fromtimestamp(unix_seconds, UTC)
    return f"{moment.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
