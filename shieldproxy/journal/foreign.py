"""Foreign logs: requests as other servers wrote them down, in the combined format or as JSON lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from shieldproxy.journal.combined import Logged, common_time, parse_combined, parse_request
from shieldproxy.journal.json_logs import parse_json
from shieldproxy.journal.log_files import UnreadableLogError, blocks, text_of

__all__ = ["ForeignLog", "Logged", "common_time", "parse_combined", "parse_json", "parse_request", "texts_of"]

# So many broken lines are named; all are counted.
NAMED = 20
# A log of which so many lines at its beginning say nothing is no log, and the rest of it is not read.
PROBED = 1_000


class ForeignLog:
    """Reads one file, plain or gzip. ``broken`` counts the lines that say nothing, ``broken_lines`` names some.

    ``vouched`` says that it is a log: some line of it was a request. ``lines`` are those that were read so far.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = 0
        self.broken = 0
        self.broken_lines: list[str] = []
        self.vouched = False

    def requests(self) -> Iterator[Logged]:
        """Yield the requests in the order of the file. Raises UnreadableLogError when it is no log."""
        for block in blocks(self.path):
            yield from self.requests_of(block)

    def requests_of(self, block: bytes) -> Iterator[Logged]:
        """Yield the requests of the next ``block`` of whole lines. Raises UnreadableLogError when it is no log."""
        for line in texts_of(block):
            found = self.parse(line)
            if found is not None:
                yield found

    def parse(self, line: str) -> Logged | None:
        """Return the request of the next line; None for one that says nothing, which is counted and named.

        Raises UnreadableLogError when nothing in the beginning of the file was a request.
        """
        self.lines += 1
        if not line:
            return None
        try:
            found = parse_json(line) if line[0] == "{" else parse_combined(line)
        except (ValueError, TypeError, OverflowError) as error:
            self.complain(str(error))
            return None
        self.vouched = True
        return found

    def complain(self, why: str) -> None:
        """Count and name the line at hand, which says nothing; raises UnreadableLogError when no line said anything."""
        self.broken += 1
        if len(self.broken_lines) < NAMED:
            self.broken_lines.append(f"{self.path}:{self.lines}: {why[:120]}")
        if not self.vouched and self.broken >= PROBED:
            raise UnreadableLogError(f"{self.path}: no log: {self.broken_lines[0]}")

    def pass_over(self, lines: int) -> None:
        """Count ``lines`` that somebody else has understood."""
        self.lines += lines
        self.vouched = self.vouched or lines > 0


def texts_of(block: bytes) -> Iterator[str]:
    """Yield the lines of a block, as log_files.blocks gives it, as text."""
    for line in block.split(b"\n"):
        yield text_of(line)
