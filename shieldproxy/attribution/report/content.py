"""Content: everything a report says, as one plain object; what people read is made from it and from nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from shieldproxy import __version__
from shieldproxy.attribution.archive import Archive
from shieldproxy.attribution.bot_share import measure_bots
from shieldproxy.attribution.courses import Bounds, bounds, course
from shieldproxy.attribution.episode_details import databases, mistakes, rank_who, totals
from shieldproxy.attribution.groups import rank_requests
from shieldproxy.attribution.ledger import Entry, as_plain
from shieldproxy.attribution.visits import Period, choose_attackers, collect_visits
from shieldproxy.core.record import rfc3339

# The heaviest of each kind.
TOP = 20
MOST_NODES = 50
# What all requests are grouped by; the rest is told of episodes.
ASKED = ("path", "host", "user_agent", "fingerprint", "action")
# Columns of the timeline: the smallest that gives no more than so many.
MOST_COLUMNS = 180
STEPS = (1, 2, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 604_800)


class Question(NamedTuple):
    """What a report is about. ``title`` names the period for people, ``now`` is unix seconds."""

    period: Period
    title: str
    now: float
    policy: str
    episode: str = ""


def compile_content(archive: Archive, question: Question, ledger: Sequence[Entry]) -> dict[str, Any]:
    """Return the content of a report, as JSON takes it.

    ``who`` and ``asked`` count everybody in the period, ``stopped`` only clients that were stopped and never passed a
    challenge; ``timeline`` has a row for each step: seconds since 1970, requests that reached the site, stopped ones.
    """
    period = question.period
    collect_visits(archive, period)
    suspects = choose_attackers(archive, Period(period.since - 86_400_000, period.since))
    found = [entry for entry in ledger if _within(entry, question)]
    within = bounds(archive, period)
    content = {
        "version": __version__,
        "made": rfc3339(question.now),
        "title": question.title,
        "since": rfc3339(period.since / 1000),
        "until": rfc3339(period.until / 1000),
        "databases": databases(archive, period),
        "nodes": [node.key for node in rank_requests(archive, "node", period, MOST_NODES).groups],
        "site": totals(archive, "visits"),
        "lost": within.lost,
        "parameters": question.policy,
        "episodes": found,
        "counts": {word: sum(e["opinion"]["word"] == word for e in found) for word in ("attack", "surge", "unclear")},
        "bots": measure_bots(archive, period=question.period),
        "suspects": suspects,
        "mistakes": mistakes(archive, suspects),
        "stopped": {"sums": totals(archive, "attackers"), "who": rank_who(archive, "attackers", TOP)},
        "who": rank_who(archive, "visits", TOP),
        "asked": {what: rank_requests(archive, what, period, TOP) for what in ASKED},
        "timeline": timeline(archive, period, within),
        "note": archive.note,
    }
    plain: dict[str, Any] = as_plain(content)
    return plain


def timeline(archive: Archive, period: Period, within: Bounds) -> dict[str, Any]:
    """Return requests over time in about MOST_COLUMNS steps; steps without a request are left out."""
    first, last, _ = within
    seconds = period.seconds if first is None or last is None else (last - first) / 1000
    step = next((step for step in STEPS if seconds / step <= MOST_COLUMNS), STEPS[-1])
    steps = course(archive, period, step * 1000)
    return {"step": step, "rows": [[one.start // 1000, one.reached, one.stopped] for one in steps]}


def _within(entry: Entry, question: Question) -> bool:
    if question.episode:
        return bool(entry["id"] == question.episode)
    since, until = rfc3339(question.period.since / 1000), rfc3339(question.period.until / 1000)
    return bool(since <= entry["start"] < until)
