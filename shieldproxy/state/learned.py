"""What was learned of the site's usual traffic, kept over restarts in one file of the state directory."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import NamedTuple

from shieldproxy.state.files import MISSING, read_learned, replace_secret, unreadable

FILE = "usual.json"
LOST = "what is usual is learned anew"
VERSION = 1
# As many networks as are kept take less than half of this.
MOST_BYTES = 1 << 20


class Usual(NamedTuple):
    """Rates a second: of all requests, of newcomers' pages and of their parts, and of each network (ASN).

    ``seen`` and ``age`` are the seconds over which the site and the networks were learned.
    """

    requests: float = -1.0
    pages: float = -1.0
    parts: float = 0.0
    seen: int = 0
    age: float = 0.0
    networks: dict[int, float] = {}  # noqa: RUF012 - never changed


def read_usual(directory: Path) -> tuple[Usual, str]:
    """Return what was kept, and what is wrong with it ('' when nothing is, or nothing was kept).

    A damaged file costs the knowledge, never the start.
    """
    path = directory / FILE
    document, wrong = read_learned(path, MOST_BYTES, LOST)
    if wrong or document is MISSING:
        return Usual(), wrong
    try:
        return _usual_of(document), ""
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return Usual(), unreadable(path, error, LOST)


def keep_usual(directory: Path, usual: Usual) -> None:
    """Keep ``usual`` in place of what was kept before. Raises StartError when it cannot be written."""
    document = {"version": VERSION, **usual._asdict()}
    document["networks"] = {str(asn): round(rate, 6) for asn, rate in usual.networks.items()}
    replace_secret(directory / FILE, json.dumps(document, separators=(",", ":")))


def _usual_of(document: dict[str, object]) -> Usual:
    if document["version"] != VERSION:
        raise ValueError("another version")
    networks = document["networks"]
    if not isinstance(networks, dict):
        raise TypeError("no table of networks")
    return Usual(
        _number(document["requests"]),
        _number(document["pages"]),
        _number(document["parts"]),
        int(_number(document["seen"])),
        max(0.0, _number(document["age"])),
        {int(asn): max(0.0, _number(rate)) for asn, rate in networks.items()},
    )


def _number(value: object) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("no number")
    return float(value)
