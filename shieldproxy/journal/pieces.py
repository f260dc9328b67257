"""Pieces: the few words of a combined log line that a replay needs, cut out at a third of the time of a whole request.

A log of servers repeats itself: the same client within a second, the same targets, the same states. What was read once
is looked up. Every line that is not plainly of the combined format is read as any other log's (journal.foreign).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from shieldproxy.journal.foreign import ForeignLog, Logged, common_time, parse_combined, parse_json
from shieldproxy.journal.log_files import blocks, text_of

# Beginnings of lines that are remembered: those of some seconds of a busy log.
REMEMBERED = 16_384


# Unix seconds, address, user agent, the request line as it stands there, and the status.
Piece = tuple[float, str, str, str, int]


class PieceLog(ForeignLog):
    """Reads one file by pieces."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._heads: dict[str, tuple[str, float]] = {}
        self._states: dict[str, int] = {}

    def of_json(self) -> bool:
        """Tell whether the first line is JSON; the others are then too, one hopes. Raises UnreadableLogError."""
        return next(blocks(self.path), b"").startswith(b"{")

    def pieces(self) -> Iterator[Piece | Logged]:
        """Yield a piece for each plain line, a whole request for any other, in the order of the file.

        Raises UnreadableLogError when it is no log.
        """
        self.vouched = False
        for block in blocks(self.path):
            yield from self._pieces(block.decode("latin-1"))

    def _pieces(self, text: str) -> Iterator[Piece | Logged]:
        heads, states = self._heads, self._states
        for line in text.split("\n"):
            self.lines += 1
            parts = line.split('"')
            try:
                if len(parts) == 7 and "\\" not in line and line[0] != "{":
                    head, request, state, _, _, agent, _ = parts
                    size = state[5:-1]
                    known = heads.get(head) or self._head(head)
                    status = states.get(state[:5]) or self._status(state[:5])
                    if known is not None and status and (size.isdecimal() or size == "-"):
                        self.vouched = True
                        yield known[1], known[0], "" if agent == "-" else agent, request, status
                        continue
                if line:
                    whole = text_of(line.encode("latin-1"))
                    yield parse_json(whole) if whole[0] == "{" else parse_combined(whole)
                    self.vouched = True
            except (ValueError, TypeError, OverflowError) as error:
                self.complain(str(error))

    def _head(self, head: str) -> tuple[str, float] | None:
        """Return address and time of the beginning of a line; None where it says more, such as a virtual host."""
        address, _, rest = head.partition(" ")
        if ":" in address:
            return None
        moment = common_time(rest.partition("[")[2].rstrip("] "))
        if len(self._heads) >= REMEMBERED:
            self._heads.clear()
        self._heads[head] = address, moment
        return address, moment

    def _status(self, text: str) -> int:
        """Return the status of `` 200 ``; 0 where it is written otherwise."""
        if len(text) != 5 or text[0] != " " or text[4] != " " or not text[1:4].isdecimal():
            return 0
        self._states[text] = int(text[1:4])
        return int(text[1:4])
