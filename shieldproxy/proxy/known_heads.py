"""Known heads: header lines that were read before, byte for byte, are not read again.

A browser on a kept connection, and a botnet all the more, sends the same lines with each request; only the request
line differs. Lines that the strict parser took once as all there is of a bodiless GET mean the same the next time, so
only the request line is read, by a rule stricter than the parser's. Nothing is skipped: equal bytes, equal meaning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from shieldproxy.core.facts import Request
from shieldproxy.core.paths import plain_path
from shieldproxy.proxy.fields import Field
from shieldproxy.proxy.request_heads import RequestHead, lines_for_origin

# Heads remembered, and the longest of them in bytes: some 10 MiB when all are long. A flood that varies its lines turns
# the memory over and pays what a first head costs.
MEMORY = 1_024
LONGEST = 2_048
# Targets remembered, and the longest of them in bytes: a megabyte when all are long. A site has some hundreds that are
# asked for all the time; a flood that varies them pays what a first one costs.
TARGETS = 4_096
LONGEST_TARGET = 128
# Origin form, one space each side, and nothing in it that BAD_TARGET of request_heads refuses.
REQUEST_LINE = re.compile(rb"GET (/[!\"$-~\x80-\xff]*) HTTP/1\.1")
NOTHING: frozenset[bytes] = frozenset()


class KnownHead(NamedTuple):
    """What header lines mean, whatever the target. ``number`` is theirs alone, as long as the worker lives."""

    number: int
    host: bytes
    name: str
    fields: tuple[Field, ...]
    lines: bytes
    headers: Mapping[bytes, bytes]
    fingerprint: str


class KnownHeads:
    """The memory of one worker: heads by their lines, targets by the request line they came with."""

    __slots__ = ("_known", "_number", "_targets")

    def __init__(self) -> None:
        self._known: dict[bytes, KnownHead] = {}
        self._targets: dict[bytes, tuple[bytes, str, str, str]] = {}
        self._number = 0

    def find(self, data: bytes, end: int, max_target: int) -> tuple[Request, RequestHead] | None:
        """Return the request that ``data`` up to ``end`` (behind its empty line) is, when its lines are known."""
        line_end = data.find(b"\r\n")
        known = self._known.get(data[line_end:end])
        if known is None:
            return None
        asked = self._targets.get(data[:line_end]) or self._read_line(data, line_end)
        if asked is None:
            return None
        target, path, query, place = asked
        if len(target) > max_target:
            return None
        number, host, name, fields, lines, headers, fingerprint = known
        request = Request("GET", name, path, query, "1.1", headers, fingerprint, place, number)
        return request, RequestHead(b"GET", target, host, "1.1", fields, NOTHING, 0, False, b"", True, lines)

    def _read_line(self, data: bytes, line_end: int) -> tuple[bytes, str, str, str] | None:
        """Read a request line: the target, its path and query, and where the path leads."""
        match = REQUEST_LINE.fullmatch(data, 0, line_end)
        if match is None:
            return None
        target = match[1]
        path, _, query = target.decode("latin-1").partition("?")
        asked = target, path, query, plain_path(path)
        if len(target) <= LONGEST_TARGET:
            if len(self._targets) >= TARGETS:
                self._targets.clear()
            self._targets[data[:line_end]] = asked
        return asked

    def learn(self, data: bytes, request: Request, head: RequestHead) -> None:
        """Remember the lines of ``data``, which the parser read as all of ``head``.

        Only a bodiless GET of HTTP/1.1 that keeps its connection and asks for nothing special is remembered.
        """
        plain = head.method == b"GET" and head.version == "1.1" and head.length == 0 and head.keep_alive
        line_end = data.find(b"\r\n")
        lines = data[line_end:]
        if not plain or head.upgrade or len(lines) > LONGEST or REQUEST_LINE.fullmatch(data, 0, line_end) is None:
            return
        if any(lower in {b"upgrade", b"expect", b"content-length"} for lower, _, _ in head.fields):
            return
        if len(self._known) >= MEMORY:
            self._known.clear()
        self._number += 1
        self._known[lines] = KnownHead(
            self._number,
            head.host,
            request.host,
            head.fields,
            b"Host: %b\r\n%b" % (head.host, lines_for_origin(head)),
            request.headers,
            request.fingerprint,
        )

    def forget(self) -> None:
        """Read everything anew: what may be served has changed."""
        self._known.clear()

    def __len__(self) -> int:
        """Return how many heads are remembered."""
        return len(self._known)
