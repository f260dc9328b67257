"""Months as options: a whole month of UTC."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

import click


class Month(NamedTuple):
    """A month; ``since`` and ``until`` (not in it) are unix seconds."""

    year: int
    month: int

    @classmethod
    def of(cls, now: float) -> Month:
        """Return the month of a moment in unix seconds."""
        moment = datetime.fromtimestamp(now, UTC)
        return cls(moment.year, moment.month)

    @property
    def since(self) -> float:
        """Its first moment."""
        return datetime(self.year, self.month, 1, tzinfo=UTC).timestamp()

    @property
    def until(self) -> float:
        """The first moment after it."""
        year, month = (self.year, self.month + 1) if self.month < 12 else (self.year + 1, 1)
        return datetime(year, month, 1, tzinfo=UTC).timestamp()

    @property
    def title(self) -> str:
        """As people write it."""
        return f"{calendar.month_name[self.month]} {self.year}"


def parse_month(text: str) -> Month:
    """Return the month of ``2026-11``; raises ValueError naming what is allowed."""
    match = re.fullmatch(r"(\d{4})-(\d\d)", text.strip(), re.ASCII)
    if match is None or not 1 <= int(match[2]) <= 12 or not 1970 <= int(match[1]) <= 9998:
        raise ValueError(f"{text!r} is no month; allowed: 2026-11")
    return Month(int(match[1]), int(match[2]))


class _MonthType(click.ParamType[Month]):
    name = "month"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Month:
        if isinstance(value, Month):
            return value
        try:
            return parse_month(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


MONTH = _MonthType()
