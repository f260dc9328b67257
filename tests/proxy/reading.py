"""A listener that keeps what a request reader says, and the terms it reads by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from shieldproxy.core.facts import Malformed, Request
from shieldproxy.guard.fingerprints import Fingerprints
from shieldproxy.proxy.fields import Field
from shieldproxy.proxy.known_heads import KnownHeads
from shieldproxy.proxy.request_heads import RequestHead
from shieldproxy.proxy.request_reader import RequestReader
from shieldproxy.proxy.terms import Terms


class Manner:
    """Default terms, or others."""

    def __init__(self, terms: Terms | None = None) -> None:
        self.terms = terms or Terms()
        self.fingerprints = Fingerprints()
        self.known_heads = KnownHeads()


@dataclass
class Message:
    """One message that was heard."""

    request: Request
    head: RequestHead | Malformed
    body: bytearray = field(default_factory=bytearray)
    whole: bool = False
    broken: str = ""


@dataclass
class Heard:
    """All messages of one connection."""

    messages: list[Message] = field(default_factory=list)

    def take_message(self, request: Request, head: RequestHead | Malformed, fields: Sequence[Field]) -> None:
        whole = isinstance(head, RequestHead) and head.length == 0
        self.messages.append(Message(request, head, whole=whole))

    def take_body(self, data: bytes) -> None:
        assert data
        assert not self.messages[-1].whole
        self.messages[-1].body += data

    def end_body(self) -> None:
        assert not self.messages[-1].whole
        self.messages[-1].whole = True

    def break_body(self, reason: str) -> None:
        assert not self.messages[-1].whole
        self.messages[-1].broken = reason

    def outline(self) -> list[tuple[object, ...]]:
        """Return what depends neither on packets nor on a memory: a body that broke, broke somewhere."""
        found: list[tuple[object, ...]] = []
        for message in self.messages:
            head = message.head
            if isinstance(head, Malformed):
                found.append((head.status,))
                continue
            meaning = (head.method, head.target, head.host, head.version, head.fields, head.length, head.upgrade)
            body = b"" if message.broken else bytes(message.body)
            request = message.request._replace(known=0)
            found.append((meaning, head.keep_alive, request, message.whole, bool(message.broken), body))
        return found


def read_all(packets: list[bytes], manner: Manner | None = None) -> Heard:
    """Return what is read from ``packets``, as a connection reads that grants no upgrade."""
    heard = Heard()
    reader = RequestReader(heard, manner or Manner())
    for packet in packets:
        rest = packet
        while rest:
            before = len(rest)
            rest = reader.read(rest)
            assert len(rest) < before
            if reader.upgrading:
                reader.resume()
    return heard
