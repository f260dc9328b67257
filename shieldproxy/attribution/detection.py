"""Detection: the episodes of a journal, found anew from its records."""

from __future__ import annotations

from shieldproxy.attribution.archive import Archive
from shieldproxy.attribution.courses import ALWAYS, course
from shieldproxy.attribution.visits import Period
from shieldproxy.core.episodes import EpisodePolicy, Span, Tally, episodes

# What is usual is learned from so much before the time asked about.
LEAD = 7 * 86_400.0


def tallies(archive: Archive, bucket: float, period: Period | None = None) -> list[Tally]:
    """Return what was counted in buckets of ``bucket`` seconds, those without a request left out."""
    return [
        Tally(step.start / 1000, step.requests, step.stopped, step.passed)
        for step in course(archive, period or ALWAYS, int(bucket * 1000))
    ]


def detect(archive: Archive, policy: EpisodePolicy, now: float) -> tuple[Span, ...]:
    """Return the episodes in the archive; ``now`` is unix seconds."""
    return episodes(policy, tallies(archive, policy.bucket), now)


# An attack begins with the first second that has this share of what is usual in it.
FIRST_SHARE = 0.01
# So far around the buckets of an episode its first and its last second are looked for.
AROUND = 60_000


def sharpen(archive: Archive, span: Span) -> Period:
    """Return the episode's first and last second: those of its attackers (the table ``attackers``), to the second.

    Without attackers it is the span of its buckets.
    """
    begin, end = int(span.start * 1000), int(span.end * 1000)
    rows = archive.rows(
        f"""SELECT ts - ts % 1000, sum(weight) FROM records
        WHERE ts >= {begin - AROUND} AND ts < {end + AROUND} AND client IN (SELECT client FROM attackers)
        GROUP BY 1 ORDER BY 1"""
    )
    counts = sorted(int(count) for start, count in rows if begin <= start < end)
    if not counts:
        return Period(begin, end)
    least = max(2.0, FIRST_SHARE * counts[len(counts) // 2])
    busy = [int(start) for start, count in rows if count >= least]
    return Period(busy[0], busy[-1] + 1000) if busy else Period(begin, end)
