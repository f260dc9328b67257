"""The ledger: a line for each episode, ``<journal>/episodes.jsonl``, made anew from the records when asked for.

An episode keeps its ID, and what is known of it stays when its records are deleted after their time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from shieldproxy.attribution.archive import Archive
from shieldproxy.attribution.columns import milliseconds
from shieldproxy.attribution.episode_details import Details, describe
from shieldproxy.attribution.groups import collect_requests
from shieldproxy.attribution.linking import MOST, count_seen, forget_members, link, remember_members
from shieldproxy.attribution.visits import Period, choose_attackers, collect_visits
from shieldproxy.core.episodes import EpisodePolicy, Span
from shieldproxy.core.record import rfc3339

FILE = "episodes.jsonl"
# Entries of another version lack what reports tell; they are made anew as long as their records are there.
VERSION = 1
_ID = re.compile(r"E-\d{4}-\d\d-\d\d-\d+", re.ASCII)

Entry = dict[str, Any]


def read_ledger(journal: Path) -> list[Entry]:
    """Return the entries, oldest first; a line that is none is left out."""
    try:
        lines = (journal / FILE).read_bytes().splitlines()
    except OSError:
        return []
    return sorted((entry for entry in map(_parsed, lines) if entry), key=lambda entry: str(entry["start"]))


def write_ledger(journal: Path, entries: Sequence[Entry]) -> None:
    """Write all entries in one step; raises OSError."""
    fresh = journal / f"{FILE}.new"
    fresh.write_bytes(b"".join(orjson.dumps(entry) + b"\n" for entry in entries))
    fresh.chmod(0o640)
    fresh.replace(journal / FILE)


def find_entry(journal: Path, name: str) -> Entry | None:
    """Return the entry of the episode ``name``, None when the ledger has none."""
    return next((entry for entry in read_ledger(journal) if entry["id"] == name), None)


def compile_ledger(
    archive: Archive, spans: Sequence[Span], before: Sequence[Entry], policy: EpisodePolicy, earliest: str
) -> list[Entry]:
    """Return the entries of ``spans``: those of ``before`` that still hold, the others described anew, with links.

    ``earliest`` is the first ts the archive has; what began before it cannot be described again and is kept.
    """
    lost = [entry for entry in before if entry["start"] < earliest or not earliest]
    spans = [span for span in spans if not any(_overlap(span, entry) for entry in lost)]
    names = _names(archive, spans, before)
    found: list[Entry] = list(lost)
    fresh: list[tuple[int, str, Span]] = []
    for span, name in zip(spans, names, strict=True):
        known = next((entry for entry in before if entry["id"] == name), None)
        if known is not None and _holds(known, span, policy):
            found.append(known)
        else:
            fresh.append((len(found), name, span))
            found.append({"id": name})
    if fresh:
        _describe_all(archive, list(zip(names, spans, strict=True)), fresh, found, policy)
    return sorted(found, key=lambda entry: str(entry["start"]))


def _describe_all(
    archive: Archive,
    every: Sequence[tuple[str, Span]],
    fresh: Sequence[tuple[int, str, Span]],
    found: list[Entry],
    policy: EpisodePolicy,
) -> None:
    seen = count_seen(archive)
    forget_members(archive)
    new = {name for _, name, _ in fresh}
    first = next(number for number, (name, _) in enumerate(every) if name in new)
    for name, span in every[max(0, first - MOST) :]:
        if name not in new:
            _recall(archive, name, span)
    for place, name, span in fresh:
        details = describe(archive, name, span)
        remember_members(archive, name)
        earlier = [other for other, _ in every[: [known for known, _ in every].index(name)]]
        links = link(archive, name, earlier, seen)
        found[place] = entry_of(details, span, policy) | {
            "links": [as_plain(one) | {"words": one.words()} for one in reversed(links)]
        }


def _recall(archive: Archive, name: str, span: Span) -> None:
    """Find out again who took part in an episode that is in the ledger already."""
    period = Period(int(span.start * 1000), int(span.end * 1000))
    collect_visits(archive, period)
    choose_attackers(archive, Period(period.since - 86_400_000, period.since))
    collect_requests(archive, period, "attackers")
    remember_members(archive, name)


def entry_of(details: Details, span: Span, policy: EpisodePolicy) -> Entry:
    """Return the line of the ledger for one episode."""
    entry: Entry = as_plain(details)
    entry["opinion"]["sureness"] = round(details.opinion.sureness, 3)
    return entry | {"v": VERSION, "span": list(span), "parameters": policy.words()}


def as_plain(value: Any) -> Any:
    """Return ``value`` as JSON takes it: objects for named tuples, lists for tuples."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: as_plain(part) for name, part in value._asdict().items()}
    if isinstance(value, tuple | list):
        return [as_plain(part) for part in value]
    if isinstance(value, Mapping):
        return {str(name): as_plain(part) for name, part in value.items()}
    return value


def _names(archive: Archive, spans: Sequence[Span], before: Sequence[Entry]) -> list[str]:
    """Return the ID of each span: the one it had, the one its records were given, or the next of its day."""
    taken = {str(entry["id"]) for entry in before}
    names: list[str] = []
    for span in spans:
        known = [str(entry["id"]) for entry in before if _overlap(span, entry)]
        if not known:
            known = [name for name in _told(archive, span) if name not in taken]
        name = next((one for one in known if one not in names), "")
        day, number = rfc3339(span.start)[:10], 1
        while not name:
            name = f"E-{day}-{number}"
            name = "" if name in taken or name in names else name
            number += 1
        names.append(name)
    return names


def _told(archive: Archive, span: Span) -> list[str]:
    """Return the IDs in the records of ``span``, given while it went on, that of the most requests first."""
    rows = archive.rows(
        f"""SELECT episode FROM records WHERE ts >= {int(span.start * 1000)} AND ts < {int(span.end * 1000)}
        AND episode <> '' GROUP BY episode ORDER BY sum(weight) DESC, episode"""
    )
    return [str(name) for (name,) in rows if _ID.fullmatch(str(name))]


def _holds(entry: Entry, span: Span, policy: EpisodePolicy) -> bool:
    now = (VERSION, list(span), policy.words())
    return (entry.get("v"), entry["span"], entry.get("parameters")) == now


def _overlap(span: Span, entry: Entry) -> bool:
    return milliseconds(entry["start"]) < span.end * 1000 and span.start * 1000 < milliseconds(entry["end"])


def _parsed(line: bytes) -> Entry | None:
    try:
        entry = orjson.loads(line)
        milliseconds(entry["start"]), milliseconds(entry["end"])
        return entry if isinstance(entry["id"], str) and isinstance(entry["span"], list) else None
    except (ValueError, KeyError, TypeError):
        return None
