"""The request reader: the bytes of one connection to heads and bodies. It knows no socket and never raises.

llhttp (through httptools) finds where a message ends; what it hands over is checked once more by request_heads. The
first thing that cannot be read makes the reader deaf: whatever follows has no boundary any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, cast

import httptools

from shieldproxy.core.facts import Malformed, Request
from shieldproxy.proxy.fields import size_of
from shieldproxy.proxy.request_heads import CHUNKED, RequestHead, read_request_head, request_of
from shieldproxy.proxy.request_lines import escape_line, find_line, line_complete, spelled_target

if TYPE_CHECKING:
    from shieldproxy.guard.fingerprints import Fingerprints
    from shieldproxy.proxy.fields import Field
    from shieldproxy.proxy.known_heads import KnownHeads
    from shieldproxy.proxy.terms import Terms

HEAD_END = b"\r\n\r\n"
# A chunked body is read up to the next empty line beyond this: its end is one, so that what follows it is not read
# along; and a body made of empty lines is still read in few steps.
STRIDE = 1_024


class Listener(Protocol):
    """Who hears what was read, in the order of the wire."""

    def take_message(self, request: Request, head: RequestHead | Malformed, fields: Sequence[Field]) -> None:
        """A head was read, or something that is none. After a Malformed nothing more comes."""

    def take_body(self, data: bytes) -> None:
        """Bytes of the body of the last head."""

    def end_body(self) -> None:
        """The body of the last head is whole. Not called for a head whose length is 0."""

    def break_body(self, reason: str) -> None:
        """The body of the last head cannot be read on. Nothing more comes."""


class Manners(Protocol):
    """What heads are read by; the terms may change while a connection lasts."""

    terms: Terms
    fingerprints: Fingerprints
    known_heads: KnownHeads


class RequestReader:
    """Reads one connection. ``in_head`` and ``in_body`` tell where in a message it is.

    ``deaf``: nothing that comes is read any more. ``upgrading``: the last head asks for another protocol, and
    nothing is read until ``resume``.
    """

    __slots__ = (
        "_body_behind_upgrade",
        "_escaped",
        "_fields",
        "_hidden",
        "_last",
        "_left",
        "_length",
        "_listener",
        "_manners",
        "_parser",
        "_pieces",
        "_raw",
        "_sought",
        "_target",
        "_waste",
        "_whole",
        "deaf",
        "in_body",
        "in_head",
        "upgrading",
    )

    def __init__(self, listener: Listener, manners: Manners) -> None:
        self._listener = listener
        self._manners = manners
        self._parser = httptools.HttpRequestParser(self)
        self._fields: list[Field] = []
        self._pieces: list[bytes] = []
        self._target = b""
        self._raw = b""
        self._sought = 0
        self._waste = 0
        self._length = self._left = 0
        self._whole = b""
        self._escaped = self._hidden = False
        self._body_behind_upgrade = False
        self._last = False
        self.in_head = self.in_body = False
        self.deaf = self.upgrading = False

    def read(self, data: bytes) -> bytes:
        """Read one head, or what there is of a body, from ``data``, and return the rest.

        So a read full of small requests becomes one exchange after the other, not thousands at once. (Where the end
        of a head is cut between two calls, the head behind it is read along.)
        """
        end = len(data)
        self._whole = b""
        if not self.in_body:
            at = data.find(HEAD_END)
            if at >= 0:
                end = at + 4
                if not self.in_head and not self._hidden:
                    if self._read_known(data, end):
                        return data[end:]
                    self._whole = data[:end]
        elif self._length >= 0:
            end = self._left
        elif end > STRIDE:
            at = data.find(HEAD_END, STRIDE)
            if at >= 0:
                end = at + 4
        if end >= len(data):
            return self._parse(data)
        rest = data[end:]
        behind = self._parse(data[:end])
        return behind + rest if behind else rest

    def _read_known(self, data: bytes, end: int) -> bool:
        """Read a head whose lines were read before without the parser, which does not miss it."""
        if self._last or self.deaf or self.upgrading:
            return False
        found = self._manners.known_heads.find(data, end, self._manners.terms.max_target)
        if found is None:
            return False
        request, head = found
        self._length = self._left = 0
        self._listener.take_message(request, head, head.fields)
        return True

    def resume(self) -> None:
        """The upgrade was not granted: what comes is a request again."""
        self.upgrading = False

    def close(self) -> None:
        """Read nothing more, and let go of the parser, which holds on to the reader."""
        self.deaf = True
        self._parser = cast("httptools.HttpRequestParser", None)

    # -- parsing ------------------------------------------------------------------------------------------------------

    def _parse(self, data: bytes) -> bytes:
        if self.deaf:
            return b""
        if not self.in_head:
            # At 1 the request line may stand anywhere: what comes first is the end of a body.
            self._raw, self._sought = b"", int(self.in_body)
        if not self.in_body and not data.isascii() and not line_complete(self._raw):
            self._raw += data
            data = escape_line(data, begun=self.in_head)
            self._escaped = True
        else:
            self._raw += data
        self._waste += len(data)
        rest = b""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
            self._renew()
        except httptools.HttpParserCallbackError as error:
            raise error.__context__ or error from None
        except httptools.HttpParserError as error:
            self._stop(Malformed(400, str(error) or "the message cannot be parsed"))
        if self._pieces:
            self._deliver()
        if self._waste > self._manners.terms.max_head:
            self._stop(Malformed(431, f"head is longer than {self._manners.terms.max_head} bytes"))
        return rest

    def _renew(self) -> None:
        """Go on behind a request for an upgrade, with a parser that has not seen it."""
        self._parser = httptools.HttpRequestParser(self)
        if self._body_behind_upgrade:
            # We ignore this upgrade (h2c), but the parser stopped before the body; so it is told of the body alone.
            self._body_behind_upgrade = False
            self._hidden = True
            length = self._length
            framing = b"Transfer-Encoding: chunked" if length == CHUNKED else b"Content-Length: %d" % length
            self._parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + b"\r\n\r\n")

    def _stop(self, reason: Malformed) -> None:
        """Say why nothing more can be read; bytes behind a request that closes the connection are nobody's."""
        if self.deaf:
            return
        in_head, self.in_head = self.in_head, False
        self._pieces.clear()
        if self.in_body:
            self.in_body = False
            self.deaf = True
            self._listener.break_body(f"request body: {reason.reason}")
        elif self._last and not in_head:
            self.deaf = True
        else:
            self._tell(b"", self._target[: self._manners.terms.max_target], b"", "", reason)

    # -- parser callbacks ---------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._last:
            # A parser that was renewed does not know that the last request closes the connection.
            self.deaf = True
        elif not self._hidden:
            self.in_head = True
            self._target = b""
            self._fields = []

    def on_url(self, part: bytes) -> None:
        if self.in_head:
            self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.in_head:
            self._fields.append((name.lower(), name, value))

    def on_headers_complete(self) -> None:
        self._hidden = False
        if not self.in_head or self.deaf:
            return
        self.in_head = False
        self._waste = 0
        terms, fields = self._manners.terms, self._fields
        if len(fields) > terms.max_headers or size_of(fields) > terms.max_head:
            reason = f"more than {terms.max_headers} header lines, or a head longer than {terms.max_head} bytes"
            self._tell(b"", self._target[: terms.max_target], b"", "", Malformed(431, reason))
            return
        parser = self._parser
        method, version, upgrading = parser.get_method(), parser.get_http_version(), parser.should_upgrade()
        target = self._target
        if self._escaped:
            self._escaped = False
            target = spelled_target(self._raw) or target
        head = read_request_head(
            method,
            target,
            version,
            fields,
            keep_alive=parser.should_keep_alive(),
            upgrading=upgrading,
            max_target=terms.max_target,
        )
        self._sought = find_line(self._raw, self._sought, method, target, version)
        if isinstance(head, Malformed):
            self._tell(method, target[: terms.max_target], b"", version, head)
        elif self._sought < 0:
            reason = "the request line is not method, target and version with one space between"
            self._tell(method, target, b"", version, Malformed(400, reason))
        elif not terms.serves(head.host):
            self._tell(method, head.target, head.host, version, Malformed(421, "no site of that name is served here"))
        else:
            self._last = not head.keep_alive
            self._length = self._left = head.length
            self.in_body = head.length != 0
            self._body_behind_upgrade = upgrading and self.in_body
            self.upgrading = head.upgrade != b""
            self._tell(method, head.target, head.host, version, head)

    def on_body(self, chunk: bytes) -> None:
        if self.in_body:
            self._pieces.append(chunk)
            self._left -= len(chunk)

    def on_message_complete(self) -> None:
        if self.in_body and not self._body_behind_upgrade:
            if self._pieces:
                self._deliver()
            self.in_body = False
            self._waste = 0
            self._listener.end_body()

    def _deliver(self) -> None:
        """Hand over the pieces of body that one read brought, as one: a flood of tiny chunks is no flood of writes."""
        pieces = self._pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self._waste = 0
        self._listener.take_body(data)

    def _tell(self, method: bytes, target: bytes, host: bytes, version: str, head: RequestHead | Malformed) -> None:
        """Hand over a head, or what is none; after the latter the reader is deaf."""
        if isinstance(head, Malformed):
            self.deaf = True
            self.in_body = self.in_head = False
        fields = self._fields
        request = request_of(method, target, host, version, fields, self._manners.fingerprints.of(fields))
        if self._whole and isinstance(head, RequestHead):
            self._manners.known_heads.learn(self._whole, request, head)
        self._listener.take_message(request, head, fields)
