"""The memory of the episode detector, kept over restarts in one file of the state directory."""

from __future__ import annotations

import json
from pathlib import Path

from shieldproxy.core.episodes import Detection, detection_of
from shieldproxy.state.files import replace_secret

FILE = "episodes.json"
VERSION = 1
# Ninety-six values, and the episodes that are remembered.
MOST_BYTES = 1 << 16


def read_detection(directory: Path) -> tuple[Detection, str]:
    """Return what was kept, and what is wrong with it ('' when nothing is, or nothing was kept).

    A damaged file costs the knowledge, never the start.
    """
    path = directory / FILE
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(MOST_BYTES))
        if document["version"] != VERSION:
            raise ValueError("another version")
        return detection_of(document["detection"]), ""
    except FileNotFoundError:
        return Detection(), ""
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        return Detection(), f"{path}: cannot be read ({type(error).__name__}); the usual of each hour is learned anew"


def keep_detection(directory: Path, detection: Detection) -> None:
    """Keep ``detection`` in place of what was kept before. Raises StartError when it cannot be written."""
    document = {"version": VERSION, "detection": detection}
    replace_secret(directory / FILE, json.dumps(document, separators=(",", ":")))
