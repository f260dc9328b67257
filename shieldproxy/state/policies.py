"""Policies that were in force: a line for each start and each reload, in the state directory.

Beside the log stands what was in force last, so that changes made while the node was down are seen too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LOG, LATEST = "policies.jsonl", "policy.json"
# So many starts and reloads are kept: years of a careful operator, weeks of a script that reloads by the hour.
KEPT = 500
# A line is longer only when a whole configuration was exchanged.
MOST_CHANGES = 50


class PolicyLog:
    """The log in ``directory``. All may raise OSError; a line that cannot be read is left aside."""

    def __init__(self, directory: Path) -> None:
        self._log = directory / LOG
        self._latest = directory / LATEST

    def latest(self) -> dict[str, str]:
        """Return keys and values in force when the last line was written; none when nothing was."""
        try:
            found = json.loads(self._latest.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}

    def add(self, entry: Mapping[str, Any], keys: Mapping[str, str]) -> None:
        """Write a line, and ``keys`` as what is in force now."""
        lines = [json.dumps(one) for one in self.entries()[-(KEPT - 1) :]] + [json.dumps(dict(entry))]
        replace(self._log, "\n".join(lines) + "\n")
        replace(self._latest, json.dumps(dict(keys)))

    def entries(self) -> Sequence[dict[str, Any]]:
        """Return the lines, the oldest first; none when there is no log yet."""
        try:
            text = self._log.read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        found = []
        for line in text.splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and isinstance(entry.get("ts"), str):
                found.append(entry)
        return found


def replace(path: Path, text: str) -> None:
    """Replace a file in one step, private to the service's user."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.touch(mode=0o600)
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
