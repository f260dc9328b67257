"""Episodes: attacks on the site, found in counts of short buckets of time. Pure: counts in, episodes out.

A seasonal log-ratio CUSUM with hysteresis. Each bucket's excess over the usual (core.usual) is measured in usual
deviations, cut at ``clip`` and summed less ``slack``; at ``alarm`` an episode opens, from where the sum left zero.
Requests that were stopped and that nobody answered for are a sign of their own, so a journal of half a minute, or one
that begins in the middle of a flood, has its episode too. Nothing is learned while the sum is high. The memory is a
value: the same counts give the same episodes, live or years later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import isfinite, log
from typing import Any, NamedTuple

from shieldproxy.core.usual import SLOTS, Usual, UsualPolicy, compare, learn, turn

# Of the episodes that are over a live detector keeps so many: more than can begin in one day, so that the number of
# the next one is known.
REMEMBERED = 64


class Tally(NamedTuple):
    """What was counted in one bucket that begins at ``start`` (unix seconds, a multiple of the bucket).

    ``stopped`` are requests that were not admitted, ``passed`` challenges passed.
    """

    start: float
    requests: int = 0
    stopped: int = 0
    passed: int = 0


class EpisodePolicy(NamedTuple):
    """How episodes are found; told beside every count of them.

    Seconds: ``quiet`` how long the smoothed excess must be low until an episode ends, ``merge`` the gap below which two
    are one, ``silence`` without any request after which nobody looked, ``give_in`` after which an excess that nobody
    stops is the usual. ``floor`` is requests a second of excess below which nothing is an attack; ``ratio`` the least
    and ``low`` the last excess, ``newcomer`` the least at a time of day never seen before, as factors over the usual;
    below ``sure`` times the usual one that nobody stops must last for ``patience`` seconds; ``ignored`` the share of
    requests that, stopped and unanswered, are a sign; ``smoothing`` is for one minute.
    """

    usual: UsualPolicy = UsualPolicy()
    slack: float = 1.5
    alarm: float = 12.0
    clip: float = 6.0
    ratio: float = 1.5
    low: float = 1.35
    sure: float = 2.0
    patience: float = 1_200.0
    newcomer: float = 3.0
    smoothing: float = 0.2
    quiet: float = 600.0
    merge: float = 1_800.0
    floor: float = 5.0
    ignored: float = 0.25
    silence: float = 3_600.0
    give_in: float = 172_800.0

    @property
    def bucket(self) -> float:
        """How many seconds one count lasts."""
        return self.usual.bucket

    def words(self) -> str:
        """Return the parameters in one sentence for people."""
        return (
            f"an episode is at least {self.ratio:g} times the usual of that time of day ({self.newcomer:g} times where "
            f"that is not known yet, {self.usual.beginner:g} times in the first {self.usual.young / 60:g} min of all) "
            f"and {self.floor:g} requests a second above it, for {self.patience / 60:g} min where it is below "
            f"{self.sure:g} times, or {100 * self.ignored:.0f} % of "
            f"all requests stopped and unanswered; counted in buckets of {self.bucket:g} s (CUSUM k = {self.slack:g}, "
            f"h = {self.alarm:g}); it ends when the smoothed excess was below {self.low:g} times for "
            f"{self.quiet / 60:g} min; a gap below {self.merge / 60:g} min is none"
        )


class Span(NamedTuple):
    """One episode, in unix seconds.

    ``peak`` is requests a second, ``requests`` all in it, ``usual`` what was to be expected without it;
    ``ongoing`` when its end was not seen.
    """

    start: float
    end: float
    peak: float = 0.0
    peak_at: float = 0.0
    requests: int = 0
    usual: float = 0.0
    ongoing: bool = False


class Detection(NamedTuple):
    """The detector's whole memory. ``since`` is what would be an episode if the sum reached the alarm."""

    usual: Usual = Usual()
    upto: float = 0.0
    score: float = 0.0
    level: float = 0.0
    quiet: float = 0.0
    since: Span | None = None
    open: Span | None = None
    closed: tuple[Span, ...] = ()


class _Excess(NamedTuple):
    usual: float
    ratio: float
    score: float
    sign: bool
    odd: bool = False


def observe(policy: EpisodePolicy, before: Detection, tally: Tally) -> Detection:
    """Return the memory after one more bucket; those without a request in between may be left out.

    A bucket that lies before what was seen (a clock stepped back) is left aside.
    """
    if not before.upto:
        return _take(policy, before, tally)
    if tally.start < before.upto:
        return before
    if tally.start - before.upto > policy.silence:
        before = _closed(before)._replace(score=0.0, since=None, level=0.0, upto=tally.start)
    while before.upto < tally.start:
        before = _take(policy, before, Tally(before.upto))
    return _take(policy, before, tally)


def finish(policy: EpisodePolicy, detection: Detection, now: float) -> tuple[Span, ...]:
    """Return all episodes when nothing follows until ``now``; one whose end was not seen yet is ``ongoing``."""
    if detection.open is None:
        return detection.closed
    return (*detection.closed, detection.open._replace(ongoing=now - detection.open.end < policy.quiet))


def episodes(policy: EpisodePolicy, tallies: Iterable[Tally], now: float) -> tuple[Span, ...]:
    """Return the episodes in ``tallies``, which come in order of time; ``now`` is unix seconds."""
    detection = Detection()
    for tally in tallies:
        detection = observe(policy, detection, tally)
    return finish(policy, detection, now)


def detection_of(fields: Sequence[Any]) -> Detection:
    """Return the memory that was written as JSON, lists for tuples; raises TypeError or ValueError when it is none."""
    usual, upto, score, level, quiet, since, opened, closed = fields
    slots, slot, *rest = usual
    upto, score, level, quiet, *rest = (float(number) for number in (upto, score, level, quiet, *rest))
    if len(slots) != SLOTS or not 0 <= int(slot) < SLOTS or not all(map(isfinite, (upto, score, level, quiet, *rest))):
        raise ValueError("no memory of a detector")
    return Detection(
        Usual(tuple(float(value) for value in slots), int(slot), *rest),
        upto,
        score,
        level,
        quiet,
        _span_of(since) if since else None,
        _span_of(opened) if opened else None,
        tuple(_span_of(span) for span in closed),
    )


def _span_of(fields: Sequence[Any]) -> Span:
    start, end, peak, peak_at, requests, usual, ongoing = fields
    return Span(float(start), float(end), float(peak), float(peak_at), int(requests), float(usual), bool(ongoing))


def stepped_back(detection: Detection, start: float) -> Detection:
    """Return the memory of a detector whose clock was set back to ``start``, before what it has seen.

    What is usual and an open episode stay; only a live detector needs it, records are counted by their own time.
    """
    return detection._replace(upto=start, since=None, score=0.0)


def identifiers(days: Iterable[str]) -> Iterator[str]:
    """Return the ID of each episode, ``E-<day>-<which of that day>``, from the days they began (``2026-11-24``)."""
    counts: dict[str, int] = {}
    for day in days:
        counts[day] = counts.get(day, 0) + 1
        yield f"E-{day}-{counts[day]}"


def _take(policy: EpisodePolicy, before: Detection, tally: Tally) -> Detection:
    usual = turn(before.usual, tally.start)
    excess = _measured(policy, usual, tally)
    span = before.open
    given_in = span is not None and not excess.sign and tally.start - span.start > policy.give_in
    if given_in or (span is None and not excess.sign and before.score < policy.alarm / 3):
        # What may be the first of an attack is learned as the least excess there is, or waves would become the usual.
        odd = not given_in and (excess.odd or excess.score > policy.alarm / 3)
        usual = learn(policy.usual, usual, int(excess.usual * policy.ratio) if odd else tally.requests)
    upto = tally.start + policy.bucket
    # The smoothing is told for a minute, as people think of it.
    share = 1.0 - (1.0 - policy.smoothing) ** (policy.bucket / 60.0)
    level = before.level + (excess.ratio - before.level) * share
    if span is not None:
        return _followed(policy, before, tally, excess, (usual, upto, level))
    score = max(0.0, before.score + excess.score - policy.slack)
    if score <= 0.0:
        return Detection(usual, upto, 0.0, level, 0.0, None, None, before.closed)
    since = _grown(policy, before.since or Span(tally.start, tally.start), tally, excess)
    if score >= policy.alarm and (excess.sign or _is_sure(policy, since, level, excess)):
        return _opened(policy, before, since, (usual, upto, max(level, excess.ratio)))
    return Detection(usual, upto, min(score, policy.alarm), level, 0.0, since, None, before.closed)


def _is_sure(policy: EpisodePolicy, since: Span, level: float, excess: _Excess) -> bool:
    """Tell whether an excess that nobody stops is more than a restless hour: it is large, or it lasts."""
    if excess.ratio >= log(policy.usual.beginner):
        return True
    if level < log(policy.ratio):
        return False
    return since.requests >= policy.sure * since.usual or since.end - since.start >= policy.patience


def _measured(policy: EpisodePolicy, usual: Usual, tally: Tally) -> _Excess:
    found = compare(policy.usual, usual, tally.requests)
    unanswered = max(0, tally.stopped - tally.passed)
    least = policy.floor * policy.bucket
    if unanswered >= least and unanswered >= policy.ignored * tally.requests:
        return _Excess(found.usual, max(found.ratio, 2 * log(policy.ratio)), policy.clip, sign=True)
    if found.ratio > 0.0 and (
        tally.requests - found.usual < least or (not found.seasonal and found.ratio < log(policy.newcomer))
    ):
        return _Excess(found.usual, min(found.ratio, log(policy.low) / 2), 0.0, sign=False)
    score = min(policy.clip, max(-policy.clip, found.score))
    return _Excess(found.usual, found.ratio, score, sign=False, odd=found.odd)


def _opened(policy: EpisodePolicy, before: Detection, since: Span, now: tuple[Usual, float, float]) -> Detection:
    """Return the memory with an episode open: a new one, or the last one again when the gap is none."""
    closed, last = before.closed, before.closed[-1] if before.closed else None
    if last is not None and since.start - last.end <= policy.merge:
        closed = closed[:-1]
        peak, peak_at = max((last.peak, last.peak_at), (since.peak, since.peak_at))
        since = Span(last.start, since.end, peak, peak_at, last.requests + since.requests, last.usual + since.usual)
    usual, upto, level = now
    return Detection(usual, upto, 0.0, level, 0.0, None, since, closed)


def _followed(
    policy: EpisodePolicy, before: Detection, tally: Tally, excess: _Excess, now: tuple[Usual, float, float]
) -> Detection:
    """Return the memory with the open episode grown, or closed after it was quiet for long enough."""
    usual, upto, level = now
    quiet = before.quiet + policy.bucket if level < log(policy.low) else 0.0
    span = before.open
    assert span is not None
    if excess.ratio >= log(policy.ratio):
        span = _grown(policy, span, tally, excess)
    after = Detection(usual, upto, 0.0, level, quiet, None, span, before.closed)
    return _closed(after) if quiet >= policy.quiet else after


def _grown(policy: EpisodePolicy, span: Span, tally: Tally, excess: _Excess) -> Span:
    rate = tally.requests / policy.bucket
    peak, peak_at = (rate, tally.start) if rate > span.peak else (span.peak, span.peak_at)
    end = tally.start + policy.bucket
    return Span(span.start, end, peak, peak_at, span.requests + tally.requests, span.usual + excess.usual)


def _closed(detection: Detection) -> Detection:
    if detection.open is None:
        return detection
    return detection._replace(closed=(*detection.closed, detection.open), open=None, quiet=0.0, level=0.0)
