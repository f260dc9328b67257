"""Courses: how many requests there were over time, from sums where there are some."""

from __future__ import annotations

from typing import NamedTuple

from shieldproxy.attribution.archive import Archive
from shieldproxy.attribution.rollups import BUCKET_MS, DAY_MS, OF_TIME, REACHED, STOPPED, listed
from shieldproxy.attribution.visits import Period, beside_sums

# Before and after any record: whole days, so that no record need be read for its edges.
ALWAYS = Period(0, 3_000_000 * DAY_MS)


class Step(NamedTuple):
    """What was counted in one step of a course that begins at ``start``, milliseconds since 1970."""

    start: int
    requests: int
    reached: int
    stopped: int
    passed: int


class Bounds(NamedTuple):
    """The first and the last record (milliseconds since 1970; None: there is none) and how many have no record."""

    first: int | None
    last: int | None
    lost: int


def course(archive: Archive, period: Period, size: int) -> list[Step]:
    """Return the steps of ``size`` milliseconds in ``period``; those without a request are left out."""
    parts = _times(period) if size % BUCKET_MS == 0 else _moments(period)
    rows = archive.rows(
        f"""SELECT bucket - bucket % {size}, {", ".join(f"sum({name})" for name in Step._fields[1:])}
        FROM ({parts}) AS parts GROUP BY 1 ORDER BY 1"""
    )
    return [Step(*(int(value) for value in row)) for row in rows]


def bounds(archive: Archive, period: Period = ALWAYS) -> Bounds:
    """Return the first and the last record of ``period``, and what was lost in it."""
    (row,) = archive.rows(f"SELECT min(first), max(last), coalesce(sum(lost), 0) FROM ({_times(period)}) AS parts")
    return Bounds(row[0], row[1], int(row[2]))


def _times(period: Period) -> str:
    """Return the SELECT of what happened in ``period`` by ten seconds, in rows as rolled_times has them."""
    inner = period.within(BUCKET_MS)
    return f"""SELECT bucket, {", ".join(OF_TIME)} FROM rolled_times
        WHERE bucket >= {inner.since} AND bucket < {inner.until}
        UNION ALL SELECT ts - ts % {BUCKET_MS} AS bucket, {listed(OF_TIME)}
        FROM {beside_sums(period, BUCKET_MS)} AS beside GROUP BY 1"""


def _moments(period: Period) -> str:
    return f"""SELECT ts AS bucket, weight AS requests, CASE WHEN {REACHED} THEN weight ELSE 0 END AS reached,
        CASE WHEN {STOPPED} THEN weight ELSE 0 END AS stopped,
        CASE WHEN challenge = 'passed' THEN weight ELSE 0 END AS passed
        FROM records WHERE ts >= {period.since} AND ts < {period.until}"""
