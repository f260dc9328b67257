"""Answers: the short replies to our own script and to our own form."""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple

from shieldproxy.guard.replies import ALWAYS, Header, Reply

JSON = (b"Content-Type", b"application/json")
PROBLEM = (b"Content-Type", b"application/problem+json")


class OwnAnswer(NamedTuple):
    """The answer to a request for one of our own paths, and what became of the challenge, as records name it.

    ``challenge`` is a word of ``puzzles.Outcome`` or ``clearance.Refusal``, ``issued``, ``no_cookie``, ``waiting``,
    ``let_in``, or '' where none was judged; ``kind`` is proof-of-work or form, '' likewise.
    """

    reply: Reply
    challenge: str = ""
    kind: str = ""


def well(request_id: str, *headers: Header) -> Reply:
    """Return what the script waits for: all is well."""
    return plain(200, (JSON, *headers), b'{"ok":true}', request_id)


def problem(status: int, outcome: str, puzzle: bytes, request_id: str) -> Reply:
    """Return a problem (RFC 9457) that tells the script the ``outcome``, with a new ``puzzle`` unless that is empty."""
    body = b'{"type":"about:blank","title":"%b","status":%d,"outcome":"%b","request_id":"%b"%b}' % (
        HTTPStatus(status).phrase.encode(),
        status,
        outcome.encode(),
        request_id.encode(),
        b',"puzzle":%b' % puzzle if puzzle else b"",
    )
    return plain(status, (PROBLEM,), body, request_id)


def redirect(target: str, request_id: str, *headers: Header) -> Reply:
    """Return a redirect that a browser follows with GET, whatever it sent."""
    return plain(303, ((b"Location", target.encode()), *headers), b"", request_id)


def plain(status: int, headers: tuple[Header, ...], body: bytes, request_id: str) -> Reply:
    """Return a reply with the headers that all of ours have."""
    return Reply(status, (*headers, *ALWAYS, (b"X-Request-Id", request_id.encode())), body)
