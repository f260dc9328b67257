"""Known answers: response heads that came before, byte for byte, are not read and written again.

A page that many ask for within a second has one head, date and all. When a read brings the whole of such an answer, its
head as the client shall see it is there already. Equal bytes, equal meaning: what the parser and response_heads made of
them once holds again, and the length says whether the rest of the read is exactly the body.
"""

from __future__ import annotations

from typing import NamedTuple

from shieldproxy.proxy.fields import Field
from shieldproxy.proxy.response_heads import write_response_head

HEAD_END = b"\r\n\r\n"
# Heads remembered and the longest of them in bytes: 2 MiB at most, turned over as seconds and pages go by.
MEMORY = 512
LONGEST = 2_048
ID_HERE = b"\0"


class KnownAnswer(NamedTuple):
    """What a head means: its status, the head for the client up to the request's ID, and the bytes of its body."""

    status: int
    before: bytes
    length: int


class KnownAnswers:
    """The memory of one worker. A head is remembered when it comes a second time: most come once."""

    __slots__ = ("_known", "_once")

    def __init__(self) -> None:
        self._known: dict[bytes, KnownAnswer] = {}
        self._once: dict[bytes, None] = {}

    def find(self, data: bytes) -> tuple[KnownAnswer, bytes] | None:
        """Return the answer that ``data`` is, with its body, when it is one whole answer with a known head."""
        end = data.find(HEAD_END, 0, LONGEST)
        known = self._known.get(data[:end]) if end > 0 else None
        if known is None or len(data) - end - 4 != known.length:
            return None
        return known, data[end + 4 :]

    def learn(self, data: bytes, status: int, reason: bytes, fields: list[Field], length: int) -> None:
        """Remember the head of ``data``, which was read as one whole answer to GET that keeps its connection."""
        end = data.find(HEAD_END, 0, LONGEST)
        if end <= 0 or len(data) - end - 4 != length:
            return
        head = data[:end]
        if head not in self._once:
            if len(self._once) >= MEMORY:
                self._once.clear()
            self._once[head] = None
            return
        if len(self._known) >= MEMORY:
            self._known.clear()
        written = write_response_head(
            status,
            reason,
            fields,
            framing_line=b"Content-Length: %d\r\n" % length,
            connection_line=b"",
            request_id=ID_HERE,
            bodiless=False,
        )
        before, _, after = written.rpartition(ID_HERE)
        if after == HEAD_END:
            self._known[head] = KnownAnswer(status, before, length)

    def __len__(self) -> int:
        """Return how many heads are remembered."""
        return len(self._known)
