"""Replies: the answers that are ours. Nothing of a request is repeated in them except the ID we gave it."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from shieldproxy.core.facts import Request
from shieldproxy.core.verdict import Verdict
from shieldproxy.guard.appearance import Appearance
from shieldproxy.guard.formats import MAX_HEADER, Format, format_for
from shieldproxy.guard.notices import Notices, word_for
from shieldproxy.guard.phrasebook import Phrasebook, clock_face

Header = tuple[bytes, bytes]

# On every answer of ours: kept nowhere, found by no search engine, taken for nothing but what it says it is.
ALWAYS: tuple[Header, ...] = (
    (b"Cache-Control", b"no-store"),
    (b"X-Robots-Tag", b"noindex"),
    (b"X-Content-Type-Options", b"nosniff"),
)
# Notices kept ready, each up to 4 KiB: 28 languages in three forms for the dozen waits that are usual.
NOTICES_KEPT = 1_024
# Pairs of Accept and Accept-Language remembered; a crowd has some hundreds. Others are read again (some 10 µs).
HEADERS_KEPT = 2_048
MINUTE, HOUR = 60, 3_600
# Stages after which the connection is of no further use.
CLOSING = frozenset(("malformed", "banned"))
# Nobody is told to wait longer than a year.
LONGEST = 366 * 24 * HOUR


class Reply(NamedTuple):
    """An answer of ours. Content-Length, Date and Connection are the door's; status 0 is no answer at all."""

    status: int
    headers: tuple[Header, ...]
    body: bytes
    close: bool = False


class Prepared(NamedTuple):
    """A notice but for the request's ID."""

    status: int
    headers: tuple[Header, ...]
    before: bytes
    after: bytes
    close: bool


HANG_UP = Reply(0, (), b"", close=True)


class Replies:
    """Makes notices for verdicts: about a microsecond for one that was made before."""

    def __init__(self, appearance: Appearance, phrasebook: Phrasebook) -> None:
        self._phrasebook = phrasebook
        self._notices = Notices(appearance)
        # First by what was sent, which is fast; then by what it means, so that odd headers do not multiply notices.
        self._fitting: Callable[[int, str, int, bytes, bytes], Prepared] = lru_cache(HEADERS_KEPT)(self._fit)
        self._prepared: Callable[[int, str, int, Format, str], Prepared] = lru_cache(NOTICES_KEPT)(self._prepare)

    def adopt(self, appearance: Appearance) -> None:
        """Write notices anew, as a changed configuration wants them."""
        self._notices = Notices(appearance)
        self._fitting = lru_cache(HEADERS_KEPT)(self._fit)
        self._prepared = lru_cache(NOTICES_KEPT)(self._prepare)

    def refusal(self, verdict: Verdict, request: Request, request_id: str) -> Reply:
        """Return the answer to a request that ``verdict`` keeps from the origin, or that the origin failed.

        ``request_id`` is ASCII of our making. After a message that could not be read the connection closes.
        """
        return self.notice(verdict.status, verdict.wait, request, request_id, verdict.stage)

    def notice(self, status: int, wait: float, request: Request, request_id: str, stage: str = "") -> Reply:
        """Return what is told at ``status``, in the visitor's language and form. ``wait`` is seconds; 0: unknown."""
        headers = request.headers
        accept = headers.get(b"accept", b"")
        language = headers.get(b"accept-language", b"")
        if len(accept) > MAX_HEADER or len(language) > MAX_HEADER:
            accept = language = b""
        seconds = math.ceil(wait) if wait < LONGEST else LONGEST
        status, fixed, before, after, close = self._fitting(status, stage, seconds, accept, language)
        name = request_id.encode()
        return Reply(status, (*fixed, (b"X-Request-Id", name)), b"".join((before, name, after)), close)

    def wants_json(self, request: Request) -> bool:
        """Tell whether a program of ours asks: the script of the challenge page."""
        return format_for(request.headers.get(b"accept", b"")) is Format.JSON

    def hang_up(self) -> Reply:
        """Return the answer that is none: the door closes the connection."""
        return HANG_UP

    def _fit(self, status: int, stage: str, seconds: int, accept: bytes, language: bytes) -> Prepared:
        spoken = self._phrasebook.speak(language).language
        return self._prepared(status or 403, stage, told_seconds(seconds), format_for(accept), spoken)

    def _prepare(self, status: int, stage: str, seconds: int, form: Format, language: str) -> Prepared:
        if status == 429:
            seconds = max(1, seconds)
        phrases = self._phrasebook.of(language)
        headers = [(b"Content-Type", form.value), (b"Content-Language", language.encode()), *ALWAYS]
        if form is Format.HTML:
            headers.append((b"Content-Security-Policy", self._notices.policy))
        if seconds:
            headers.append((b"Retry-After", b"%d" % seconds))
        word = "banned" if stage == "banned" else word_for(status)
        page = self._notices.write(word, status, seconds, form, phrases).fill({"id": b"\0"})
        before, _, after = page.partition(b"\0")
        return Prepared(status, tuple(headers), before, after, stage in CLOSING)


def told_seconds(seconds: int) -> int:
    """Return a wait rounded up to the minute or hour in which people are told of it.

    So a ban of a day has one notice for each of its hours, not one for each of its seconds.
    """
    number, unit = clock_face(seconds)
    return number * (1, MINUTE, HOUR)[unit]
