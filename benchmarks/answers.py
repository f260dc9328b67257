"""Wrong answers to a challenge, as whoever wants to wear out the part that judges them would send them."""

from __future__ import annotations

import base64
import http.client
import json
import re
from typing import Any

from benchmarks.browser import FIELDS
from benchmarks.loopback import loopback_target

ANSWER_PATH = "/.shieldproxy/answer"
SOMEBODY = (
    "198.51.100.7"  # RFC 5737; no client of a crowd has it, so whoever else answers its puzzle is a stranger to it
)
_PUZZLE = re.compile(rb'\{"parameters":\{.*?\},"signature":"[0-9a-f]{64}"\}')


def puzzle_of(url: str, client: str = SOMEBODY) -> dict[str, Any]:
    """The puzzle that the server at `url`, on loopback, gives to `client` when it asks for a page.

    LookupError when its answer holds none.
    """
    target = loopback_target(url)
    connection = http.client.HTTPConnection(target.host, target.port, timeout=10)
    try:
        connection.request("GET", "/page.html", headers={**dict(FIELDS), "X-Forwarded-For": client})
        page = connection.getresponse().read()
    finally:
        connection.close()
    found = _PUZZLE.search(page)
    if found is None:
        raise LookupError(f"{url} gave no puzzle")
    puzzle: dict[str, Any] = json.loads(found[0])
    return puzzle


def foreign_answer(url: str) -> str:
    """An answer to a puzzle that is real and was given to somebody else: its signature is good, its owner is not."""
    return _answer(puzzle_of(url))


def forged_answer(url: str) -> str:
    """An answer to a puzzle whose signature nobody of ours made."""
    puzzle = puzzle_of(url)
    return _answer({**puzzle, "signature": puzzle["signature"][::-1]})


def _answer(puzzle: dict[str, Any]) -> str:
    return base64.b64encode(json.dumps({"challenge": puzzle, "solution": {"counter": 1}}).encode()).decode()
