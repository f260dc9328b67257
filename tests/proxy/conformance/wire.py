"""What a strict origin makes of the bytes it is sent: requests in one unambiguous framing, or an objection."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import NamedTuple

LINE = re.compile(rb"[A-Z-]+ [^\x00-\x20\x7f]+ HTTP/1\.1")
FIELD = re.compile(rb"([!#$%&'*+.^`|~0-9A-Za-z-]+): ?([^\x00-\x08\x0a-\x1f\x7f]*)")
SIZE = re.compile(rb"[0-9a-fA-F]{1,8}")


class AmbiguousError(Exception):
    """The bytes could be read in two ways."""


class Seen(NamedTuple):
    """One request as a strict origin reads it."""

    method: str
    target: str
    fields: tuple[tuple[str, str], ...]
    body: bytes

    def __str__(self) -> str:
        """Return it as the table writes it."""
        body = self.body.decode("latin-1")
        return f"{self.method} {self.target} {body}" if body else f"{self.method} {self.target}"


def read_request(raw: bytes) -> tuple[Seen, bytes] | None:
    """Return the first request of ``raw`` and what follows it; None while it is not whole.

    Raises AmbiguousError where two servers could read it differently.
    """
    head, end, rest = raw.partition(b"\r\n\r\n")
    if not end:
        return None
    line, *lines = head.split(b"\r\n")
    if LINE.fullmatch(line) is None:
        raise AmbiguousError(f"request line {line!r}")
    fields: list[tuple[str, str]] = []
    for text in lines:
        match = FIELD.fullmatch(text)
        if match is None:
            raise AmbiguousError(f"field {text!r}")
        fields.append((match[1].decode().lower(), match[2].decode("latin-1")))
    method, target, _ = line.decode("latin-1").split(" ")
    body = read_body(fields, rest)
    if body is None:
        return None
    return Seen(method, target, tuple(fields), body[0]), body[1]


def read_body(fields: list[tuple[str, str]], rest: bytes) -> tuple[bytes, bytes] | None:
    """Return the body at the start of ``rest`` and what follows; None while it is not whole."""
    hosts, lengths, codings = (
        [value for name, value in fields if name == wanted]
        for wanted in ("host", "content-length", "transfer-encoding")
    )
    if len(hosts) != 1 or not hosts[0]:
        raise AmbiguousError(f"Host: {hosts}")
    if len(lengths) + len(codings) > 1:
        raise AmbiguousError(f"framing: {lengths} {codings}")
    if codings:
        if codings != ["chunked"]:
            raise AmbiguousError(f"Transfer-Encoding: {codings}")
        return read_chunks(rest)
    if not lengths:
        return b"", rest
    if re.fullmatch("0|[1-9][0-9]*", lengths[0]) is None:
        raise AmbiguousError(f"Content-Length: {lengths}")
    length = int(lengths[0])
    return (rest[:length], rest[length:]) if len(rest) >= length else None


def read_chunks(rest: bytes) -> tuple[bytes, bytes] | None:
    """Return the chunked body at the start of ``rest``, which has neither extensions nor trailers, and what follows."""
    body = b""
    while True:
        line, end, behind = rest.partition(b"\r\n")
        if not end:
            return None
        if SIZE.fullmatch(line) is None:
            raise AmbiguousError(f"chunk size {line!r}")
        size = int(line, 16)
        if len(behind) < size + 2:
            return None
        if behind[size : size + 2] != b"\r\n":
            raise AmbiguousError(f"end of a chunk {behind[size : size + 2]!r}")
        body, rest = body + behind[:size], behind[size + 2 :]
        if not size:
            return body, rest


class StrictOrigin:
    """An origin that keeps what it was sent and answers each request with its own name for it."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.objections: list[str] = []
        self.unfinished: list[bytes] = []
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> StrictOrigin:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def clear(self) -> None:
        """Forget what was sent so far."""
        self.seen.clear()
        self.objections.clear()
        self.unfinished.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        raw = b""
        try:
            while data := await reader.read(65_536):
                raw += data
                while (found := read_request(raw)) is not None:
                    seen, raw = found
                    self.seen.append(seen)
                    writer.write(answer(seen))
        except AmbiguousError as objection:
            self.objections.append(str(objection))
        except ConnectionError:
            pass
        finally:
            if raw:
                self.unfinished.append(raw)
            writer.close()


def answer(seen: Seen) -> bytes:
    """Return a 200 whose body names the request."""
    body = f"{seen.method} {seen.target}".encode("latin-1")
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head if seen.method == "HEAD" else head + body
