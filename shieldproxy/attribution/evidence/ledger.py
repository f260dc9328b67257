"""The ledger of episodes, as far as an export needs it: when an episode began and when it ended."""

from __future__ import annotations

from pathlib import Path

import orjson

from shieldproxy.journal.segments import well_formed

FILE = "episodes.jsonl"


def span_of(journal: Path, episode: str) -> tuple[str, str]:
    """Return first and last ts of ``episode``; the last is '' while it goes on. The newest line about it counts.

    Raises KeyError when the ledger has no such episode, ValueError when its line says no span.
    """
    try:
        lines = (journal / FILE).read_bytes().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        lines = []
    for line in reversed(lines):
        try:
            entry = orjson.loads(line)
            if entry["id"] != episode:
                continue
        except (ValueError, KeyError, TypeError):
            continue
        start, end = entry.get("start"), entry.get("end") or ""
        if not well_formed(str(start)) or (end and not well_formed(str(end))):
            raise ValueError(f"{journal / FILE}: {episode} has no start and end")
        return str(start), str(end)
    raise KeyError(episode)
