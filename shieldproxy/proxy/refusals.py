"""Refusals given again: the answer to a client that goes on asking after it was told to wait.

Of its next request only the request line is read, when the header lines are byte for byte those of the one before,
and only the ID in the answer is new. Everything that may have changed is asked (guard.repeats); the answer itself is
made anew when the second changes, because it carries the date.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shieldproxy.proxy.known_heads import REQUEST_LINE

if TYPE_CHECKING:
    from shieldproxy.guard.guard import Guard
    from shieldproxy.guard.repeats import Repeatable


class RefusalAgain:
    """One refusal, ready to be given again on the connection it was given on."""

    __slots__ = ("_dated", "_guard", "_id_length", "_known", "_lines", "_max_target", "_parts")

    def __init__(  # noqa: PLR0913, PLR0917 - what an answer was made of
        self, guard: Guard, known: Repeatable, lines: bytes, answer: bytes, dated: object, max_target: int
    ) -> None:
        name = known.draft.decision.id.encode()
        self._guard = guard
        self._known = known
        self._lines = lines
        self._parts = answer.split(name)
        self._id_length = len(name)
        self._dated = dated
        self._max_target = max_target

    def answer(self, data: bytes, dated: object, now: float) -> bytes | None:
        """Return the answer to ``data``; None when it has to be read and judged in full.

        ``dated`` is what the answer's date was written from, ``now`` the moment ``data`` came.
        """
        line_end = data.find(b"\r\n")
        if dated is not self._dated or data[line_end:] != self._lines:
            return None
        match = REQUEST_LINE.fullmatch(data, 0, line_end)
        if match is None or len(target := match[1]) > self._max_target:
            return None
        request_id = self._guard.repeat(self._known, target, now, self._id_length)
        if request_id is None:
            return None
        return request_id.encode().join(self._parts)
